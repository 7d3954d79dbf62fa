"""An automation: when a run ends DEGRADED (done and published, a WARNING check failed), Prefect posts to a webhook.

    python alert_on_degraded.py https://chat.example/hooks/data-team

The flows emit the event `pqr.run.degraded` about the resource `pqr.run.<run id>`. Run again, it replaces what it made before.
"""

import json
import sys

from prefect.automations import Automation
from prefect.blocks.webhook import Webhook
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import EventTrigger, Posture

NAME = "pqr-run-degraded"


def alert(url: str) -> None:
    block = Webhook(url=url).save(NAME, overwrite=True)
    trigger = EventTrigger(expect={"pqr.run.degraded"}, match={"prefect.resource.id": "pqr.run.*"}, posture=Posture.Reactive, threshold=1)
    text = "{{ event.resource.name }} is DEGRADED: {{ event.payload.quality.warn }} warnings; run {{ event.payload.run_id }} in {{ event.payload.lake }}"
    try:
        Automation.read(name=NAME).delete()
    except ValueError:
        pass  # there is none yet
    Automation(name=NAME, trigger=trigger, actions=[CallWebhook(block_document_id=block, payload=json.dumps({"text": text}))]).create()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    alert(sys.argv[1])
