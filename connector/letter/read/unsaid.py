"""What goes without saying in a letter: the builder always writes it, a reader leaves it out again."""

from __future__ import annotations

from connector.letter.model import Letter


def as_given(letter: Letter) -> Letter:
    """The letter without its documented act when that act is the stay itself (LetterHeader.main_act).

    The unit of the stay is where the main act was done, when that structure has a name and nothing more.
    """
    act = letter.act
    if act is None:
        return letter
    bare = letter.model_copy(update={"act": None})
    if bare.main_act() == act:
        return bare
    structure = act.performer.organization
    if structure is not None and structure.name and not structure.id:
        stayed = bare.model_copy(update={"stay": bare.stay.model_copy(update={"unit": structure.name})})
        if stayed.main_act() == act:
            return stayed
    return letter
