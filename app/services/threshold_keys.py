"""What frozen thresholds are for: the key that a prompt version on a task model has now."""

import json

from sqlalchemy.orm import Session

from app.domain import answerspace
from app.domain.freezing import threshold_key
from app.storage.endpoints import Endpoint
from app.storage.projects import Project
from app.storage.prompts import Prompt, PromptVersion


def key_of(session: Session, version_id: str, endpoint_id: str) -> str:
    """The key that thresholds of this prompt version on this task model have now."""
    version, endpoint = session.get_one(PromptVersion, version_id), session.get_one(Endpoint, endpoint_id)
    project = session.get_one(Project, session.get_one(Prompt, version.prompt_id).project_id)
    served = json.dumps([endpoint.provider.base_url, endpoint.name])
    asks = {"format": version.format, "answers": answerspace.dump(project.answer_space)}
    return threshold_key(version.text, served, json.dumps(asks, sort_keys=True, ensure_ascii=False))
