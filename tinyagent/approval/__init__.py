"""Approval: what a person is shown (``describe``, ``visible``), decides (``approval``), must see
whatever was approved before (``caution``), and may have remembered (``remembered``)."""
