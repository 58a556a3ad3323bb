"""What every form of ours has in common: its fields are drawn one way, with words at the field that is wrong."""

from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator, RegexValidator
from django.forms.renderers import TemplatesSetting

NO_SURROGATES = RegexValidator("[\ud800-\udfff]", "There are characters that cannot be stored.", inverse_match=True)


class Renderer(TemplatesSetting):
    """Forms drawn by the templates in templates/pages/forms/."""

    form_template_name = "pages/forms/form.html"
    field_template_name = "pages/forms/field.html"


class PageForm(forms.Form):
    """The base of every form on a page."""

    default_renderer = Renderer()
    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class Text(forms.CharField):
    """Text as it is typed, without the ends; refuses what a database cannot keep."""

    default_validators = [NO_SURROGATES, ProhibitNullCharactersValidator()]


class Words(Text):
    """A few sentences."""

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


class Nothing(PageForm):
    """A button without anything to type."""
