"""The words of a search as people type them: accents, capitals, fillers and slips forgiven. Plain functions."""

import difflib
import re
import unicodedata

MOST_WORDS, LONGEST_WORD = 6, 40
# Words that say nothing about what is taught. Long ones are dropped misspelt too: "pianno lesons" is about the piano.
FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an and at by class classes coach course courses for in instructor learn lesson lessons me my near "
        "of on or private teach teacher teachers the to tuition tutor tutors with",
    )
)
LONG_FILLERS = sorted(word for word in FILLERS if len(word) >= 5)
ALIKE = 0.84  # difflib's ratio: one slip in a word of six letters


def words_of(text: str) -> list[str]:
    """What a search is about, at most six words; empty when it is about nothing in particular."""
    letters = (char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))
    words = [word[:LONGEST_WORD] for word in re.findall(r"\w+", "".join(letters))]
    telling = [word for word in dict.fromkeys(words) if not _is_filler(word)]
    return telling[:MOST_WORDS]


def spellings(word: str) -> list[str]:
    """The word, and the words it may have been before two neighbouring letters changed places: paino, piano."""
    swapped = (f"{word[:n]}{word[n + 1]}{word[n]}{word[n + 2 :]}" for n in range(min(len(word), 12) - 1))
    return list(dict.fromkeys([word, *(swapped if len(word) > 3 else ())]))


def _is_filler(word: str) -> bool:
    return word in FILLERS or bool(difflib.get_close_matches(word, LONG_FILLERS, n=1, cutoff=ALIKE))
