"""English wording of python_code.py."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.phrase import Phrase, phrases
from lyo_pipelines.sample.voice import Wording

_ASK = (
    "What does this [Python|] [code|program|snippet] print[, and why|]?\n\n{code}",
    "[Predict|Tell me|Explain] the output [of this program|of {boy}'s code|of these lines|]:\n\n{code}",
    "{girl} [wrote|typed|ran] this [in the {town} computer lab|for her {bookname}|for the {group}]. What [is printed|comes out]?\n\n{code}",
    "[I ran this on my phone|This came in our {bookname}|{Who} sent me this|We got this in class]. [What is the output|What will Python print]?\n\n{code}",
    "{code}\n\n[What is the output|What gets printed|What does Python show]? [{boy} and I disagree.|{girl} says she knows.|I have a test {when}.|]",
)


def _code(steps: list[str], rule: str) -> Wording:
    return Wording(phrases(*_ASK), phrases(*steps), Phrase("{out}"), Phrase(rule))


WORDINGS = {
    "sum_loop": _code(
        ["{call} gives {seen}.", "{var} adds them up: {sum_text} = {out}."],
        "range stops before its second number, and += adds each value to the total",
    ),
    "halving": _code(
        [
            "{n} starts at {start}; the loop runs while it is above {limit}.",
            "// halves and drops the rest: {seen}.",
            "That is {out} rounds.",
        ],
        "a while loop repeats until its condition is false, so write down the value after every round",
    ),
    "nested_loops": _code(
        ["The outer loop runs {a} times, the inner one {b} times in each.", "1 is added each time: {a} × {b} = {out}."],
        "the inner loop runs completely for every round of the outer one",
    ),
    "remainder": _code(
        ["// is whole division: {b} goes {div} times into {a}.", "% is the rest: {a} − {prod} = {mod}."],
        "// gives the whole quotient and % gives the remainder",
    ),
    "if_else": _code(
        [
            "{var} is {mark}. Is {mark} >= {high}? {first}.",
            "If not, is {mark} >= {low}? {second}.",
            "The first branch that is True prints '{out}'.",
        ],
        "Python takes the first condition that is True and skips the others",
    ),
    "list_slice": _code(
        ["Counting starts at 0.", "The slice takes places {low} to {last}, not {high}: {count} items."],
        "a slice starts at its first index and stops before its second",
    ),
    "list_append": _code(
        [
            "The list has {before} items and append adds {more}: {before} + {more} = {after}.",
            "Index -1 is the last item, {end}.",
        ],
        "append puts one item at the end, and index -1 means the last item",
    ),
    "comprehension": _code(
        ["Keep each {i} that {keep} divides: {kept}.", "Multiply each by {factor}."],
        "a list comprehension first filters with if and then computes the value in front",
    ),
    "string_slice": _code(
        ["In '{word}' counting starts at 0.", "Places {low} to {last} give '{cut}'; upper() makes capitals."],
        "a slice stops before its second index, and upper() changes letters to capitals",
    ),
    "string_length": _code(
        [
            "'{word}' has {wl} letters; repeated {times} times: {wl} × {times} = {wt}.",
            "'{other}' adds {ol}: {wt} + {ol} = {out}.",
        ],
        "* repeats a string, + joins strings, and len counts letters",
    ),
    "function_call": _code(
        ["{f}({a}) = {m} × {a} + {c} = {fa}.", "{f}({b}) = {m} × {b} + {c} = {fb}.", "{fa} + {fb} = {out}."],
        "each call puts its own number into the formula after return",
    ),
    "dict_total": _code(
        ["The new key '{k3}' gets the value {c}.", "values() gives {a}, {b} and {c}: {a} + {b} + {c} = {out}."],
        "assigning to a new key adds it, and values() gives all values",
    ),
}
