"""The pages of the site: what students, instructors and visitors see. A door: it reads, makes one call, renders."""
