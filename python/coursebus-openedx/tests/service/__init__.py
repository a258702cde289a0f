"""A small Django service, as the tests need one."""
