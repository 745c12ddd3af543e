"""One example of every kind of answers, for the tests of formats and readers."""

from app.domain.answers import Label
from app.domain.answerspace import Answers, Field, Numbers, Texts

MAIL = Answers("label", (Label("spam", "unwanted"), Label("ham"), Label("phishing")))
MOODS = Answers("labels", (Label("angry"), Label("sad"), Label("glad")))
CHECKS = Answers(
    "fields",
    fields=(Field("tone", ("rude", "polite", "neutral"), "of the whole text"), Field("spam", ("true", "false"))),
)
NUMBER = Answers("number", numbers=Numbers())
TEXT = Answers("text", texts=Texts())
PERSON = Answers("text", fields=(Field("name"), Field("city")))
EVERY_KIND = {"label": MAIL, "labels": MOODS, "fields": CHECKS, "number": NUMBER, "text": TEXT, "extraction": PERSON}
