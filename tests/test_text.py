from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lapor_route.text import Token, count_case, keys_of, squeeze, tokenize, tokens_of

TEXTS = st.text(st.sampled_from("Ra'as ’`_-.@#7İıßﬁé\u0301бⒶ\n"), max_size=40)


def test_tokens_and_where_they_stand() -> None:
    text = "Yth. @Pemkot_Bandung, Ra'as… бы é 3x #Banjir a@b.id"
    assert tokenize(text) == [
        Token("yth", 0, 3),
        Token("pemkotbandung", 5, 20, "@"),
        Token("raas", 22, 27),
        Token("e", 32, 33),
        Token("3x", 34, 36),
        Token("banjir", 37, 44, "#"),
        Token("a", 45, 46),
        Token("b", 47, 48),
        Token("id", 49, 51),
    ]


@given(TEXTS)
def test_tokens_of_any_text(text: str) -> None:
    tokens = tokens_of(text)
    assert [*keys_of(text)] == tokens.keys
    assert all(tokens.keys)
    end = 0
    for key, start, stop, mark in zip(*tokens, strict=True):
        assert end <= start < stop <= len(text)
        assert squeeze(text[start:stop]) == key
        assert mark == (text[start] if text[start] in "@#" else "")
        end = stop


def test_names_that_are_equal() -> None:
    assert {squeeze(name) for name in ("Suka Maju", "SUKAMAJU", "suka-maju", "Suká Maju")} == {"sukamaju"}


@given(st.one_of(TEXTS, st.text(st.characters(max_codepoint=127))))
def test_capitals_and_letters(text: str) -> None:
    assert count_case(text) == (sum(map(str.isupper, text)), sum(map(str.isalpha, text)))
