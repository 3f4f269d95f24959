"""The domain: ISA-95 resources, money and time, Equipment-as-a-Service billing. Imports no other package of ours."""
