"""What a network of one stack may have around its layers, and what it cannot act on."""

import pytest

from rnncli.errors import ConfigError
from rnncli.nn.network import NetworkShape
from rnncli.tasks.around_layers import around_layers
from rnncli.tasks.registry import config_from_mapping


def asked(task, **model):
    return config_from_mapping({"task": task, "model": model}).model


@pytest.mark.parametrize(
    ("task", "model", "reads", "why"),
    [
        ("language-model", {"input_dropout": 0.2}, "one-hot", "set model.embedding_size"),
        ("tag", {"embedding_dropout": 0.2}, "composed", "set model.character_size: 0"),
        ("classify", {"embedding_dropout": 0.2}, "numbers", "use model.input_dropout"),
    ],
)
def test_a_key_without_anything_to_act_on_is_refused(task, model, reads, why):
    with pytest.raises(ConfigError, match=why):
        around_layers(asked(task, **model), reads)


@pytest.mark.parametrize("task", ["language-model", "tag", "classify", "regress", "forecast"])
def test_what_is_asked_for_is_in_the_shape(task):
    model = {"input_dropout": 0.2, "output_dropout": 0.3, "variational_dropout": True, "skip_connections": True}
    shape = NetworkShape("gru", 400, 5, 2, 4, False, **around_layers(asked(task, **model), "numbers"))
    stack = shape.stack
    assert (stack.input_dropout, stack.output_dropout) == (0.2, 0.3)
    assert stack.variational_dropout
    assert stack.skip_connections


def test_null_is_what_each_task_had_before():
    def rates(**how):
        stack = NetworkShape("gru", 400, 5, 2, 4, True, embedding_size=3, dropout=0.4, **how).stack
        return stack.input_dropout, stack.output_dropout

    assert rates() == (0, 0)
    assert rates(drops_ends=True) == (0.4, 0.4)
    assert rates(pooling="last") == (0, 0.4)
    assert rates(drops_ends=True, input_dropout=0.1, output_dropout=0.0) == (0.1, 0)


@pytest.mark.parametrize("key", ["skip_connections", "variational_dropout", "input_dropout", "embedding_dropout"])
@pytest.mark.parametrize("task", ["seq2seq", "caption"])
def test_an_encoder_decoder_has_no_use_for_them(task, key):
    with pytest.raises(ConfigError, match=rf"model\.{key}: is for .*language-model.* a {task} has no use for it"):
        asked(task, **{key: 0.1})
