"""All faults, in the order in which they are told."""

import healthy
import local_faults
import page_faults
import remote_faults

ALL = [*healthy.ALL, *local_faults.ALL, *remote_faults.ALL, *page_faults.ALL]
BY_NAME = {fault.name: fault for fault in ALL}
if len(BY_NAME) != len(ALL):
    raise ValueError("two faults have one name")
