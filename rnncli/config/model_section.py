"""The section `model`: the network, its cell, its size and its initial weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.section import Section
from rnncli.config.values import LARGEST_COUNT, one_of, refusal
from rnncli.kernels.cells import CELLS


class ModelConfig(Section):
    """The network: its cell, its size, and its initial weights."""

    cell: Chosen[Annotated[str, one_of(CELLS)]] = chosen(
        "The recurrent cell: rnn (Elman), gru, lstm, peephole (an LSTM whose gates see the memory), slstm (the "
        "scalar-memory cell of xLSTM) or rmslstm (an LSTM whose gates are normalised); null is chosen from the data.",
        before="lstm",
    )
    activation: Literal["tanh", "relu", "sigmoid", "identity"] = Field(
        default="tanh", description="The activation of the hidden state; only the cell rnn takes another than tanh."
    )
    hidden_size: Chosen[Annotated[int, Field(ge=1, le=65536)]] = chosen(
        "The number of units in each recurrent layer; null is chosen from the data.", before=128
    )
    num_layers: Chosen[Annotated[int, Field(ge=1, le=64)]] = chosen(
        "The number of stacked recurrent layers; null is chosen from the data.", before=2
    )
    dropout: Chosen[Annotated[float, Field(ge=0, lt=1)]] = chosen(
        "The fraction of values that training drops between layers, and before the answer for a whole sequence; null "
        "is chosen from the data.",
        before=0.0,
    )
    recurrent_init: Literal["orthogonal", "xavier", "uniform"] = Field(
        default="orthogonal", description="How the recurrent weights are initialised."
    )
    chrono_init: int | None = Field(
        default=None,
        ge=3,
        le=LARGEST_COUNT,
        description="Initialise the gate biases for memories of up to this many steps (chrono initialisation); null "
        "keeps the usual biases.",
    )
    recurrent_scale: float = Field(default=1.0, gt=0, le=1e30, description="A factor on the initial recurrent weights.")
    cap_input_gate: bool = Field(
        default=False,
        description="Let the input gate of an lstm, a peephole or an rmslstm in by no more than the forget gate lets "
        "go: min(i, 1 − f).",
    )

    weight_drop: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The fraction of recurrent weights that training drops, anew for each update.",
    )
    state_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The fraction of the hidden state that training drops on its way to the next step, the same units "
        "at all steps of an update.",
    )

    @field_validator("activation")
    @classmethod
    def _activation_fits_the_cell(cls, activation: str, info: ValidationInfo) -> str:
        if activation == "tanh":  # which every cell takes, so that none need be loaded
            return activation
        cell = CELLS.get(info.data.get("cell") or "")  # none where it is null, or was itself refused
        if cell is not None and activation not in cell.activations:
            others = [name for name, other in CELLS.items() if activation in other.activations]
            raise refusal(f"must be tanh when model.cell is {cell.name}; only {' or '.join(others)} takes another")
        return activation

    @field_validator("cap_input_gate")
    @classmethod
    def _cap_fits_the_cell(cls, capped: bool, info: ValidationInfo) -> bool:
        named = info.data.get("cell")
        if capped and not (named and CELLS[named].caps):
            fit = " or ".join(name for name, cell in CELLS.items() if cell.caps)
            raise refusal(f"must be false unless model.cell is {fit}, whose input gate has a forget gate beside it")
        return capped

    @field_validator("chrono_init")
    @classmethod
    def _chrono_needs_gates(cls, chrono: int | None, info: ValidationInfo) -> int | None:
        if chrono is None:
            return None
        named = info.data.get("cell") or ("rnn" if info.data.get("activation", "tanh") != "tanh" else "")
        cell = CELLS.get(named)
        if cell is not None and not cell.keeps_by_bias:
            raise refusal(f"must be null when model.cell is {cell.name}, whose biases set no memory")
        return chrono


Dropped = Annotated[float, Field(ge=0, lt=1)]


class StackModelConfig(ModelConfig):
    """A network that is one stack of layers with a head on it."""

    skip_connections: bool = Field(
        default=False,
        description="Let every layer read the network's input too, and the head read all layers (Graves, 2013).",
    )

    input_dropout: Dropped | None = Field(
        default=None,
        description="The fraction of values that training drops of what the first layer reads, vectors or numbers; "
        "null is model.dropout for the words of tag, else 0.",
    )
    output_dropout: Dropped | None = Field(
        default=None,
        description="The fraction of values that training drops of the topmost layer, before the head; null is "
        "model.dropout for classify, regress, tag and transcribe, else 0.",
    )
    variational_dropout: bool = Field(
        default=False,
        description="Hold each mask of dropout over all steps of a sequence or window (Gal and Ghahramani, 2016).",
    )

    @property
    def beyond_layers(self) -> list[str]:
        """The keys here that are set, which only a network of one stack has."""
        return [key for key in StackModelConfig.__annotations__ if getattr(self, key)]
