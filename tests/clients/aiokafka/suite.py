"""aiokafka, the asyncio client, against a broker."""

import admin_tests  # noqa: F401
import group_tests  # noqa: F401
import harness
import record_tests  # noqa: F401
import transaction_tests  # noqa: F401

if __name__ == "__main__":
    harness.main()
