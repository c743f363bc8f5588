"""The contracts, executable: prove that a component or an adapter keeps them, ours or yours.

Each check raises :class:`ContractError` with one sentence on what was broken and how it showed.
"""

from hybrid.testing.adapters import adapter_checks, check_adapter
from hybrid.testing.components import check_component, component_checks
from hybrid.testing.contract import Check, ContractError, Verdict, format_verdicts, verdicts

__all__ = [
    "Check",
    "ContractError",
    "Verdict",
    "adapter_checks",
    "check_adapter",
    "check_component",
    "component_checks",
    "format_verdicts",
    "verdicts",
]
