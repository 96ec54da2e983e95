"""The root of the error tree: a sentence and what to do next."""

from gateway.contract.errors import BadTopic, ContractError, GengfuError


def test_the_hint_follows_the_message() -> None:
    assert str(GengfuError("The tank is empty", hint="Fill it")) == "The tank is empty. Fill it"
    assert str(GengfuError("The tank is empty")) == "The tank is empty"


def test_every_contract_error_has_its_own_code() -> None:
    codes = [one.code for one in (ContractError, *ContractError.__subclasses__())]
    assert len(set(codes)) == len(codes)
    assert issubclass(BadTopic, GengfuError)
