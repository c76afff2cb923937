"""English wording of algebra.py: equations and progressions."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "linear": wording(
        [
            "Solve [for x|the equation|]: {a}x + {b} = {c}",
            "{girl} thinks of a number, multiplies it by {a} and adds {b}. She gets {c}. [What was the number?|Find her number.]",
            "{boy} paid ₹{c} [in {town}|at {market}|] for {a} equal [tickets|rides|plates|packets] and a ₹{b} [bag|booking fee|parking charge|tip]. What did one cost in rupees?",
            "[An auto-rickshaw|A taxi|A cycle-rickshaw] in {town} charges ₹{b} at the start and ₹{a} per km. {girl} paid ₹{c}. How many km did she go?",
            "What value of x [makes|satisfies] {a}x + {b} = {c}[, as in my {bookname}|, asks {boy}|]?",
        ],
        [
            "Let it be x: {a}x + {b} = {c}.",
            "Subtract {b}: {a}x = {c} − {b} = {ax}.",
            "Divide by {a}: x = {ax} ÷ {a} = {x}.",
        ],
        "{x}",
        "whatever we do to one side of an equation we also do to the other, until x stands alone",
    ),
    "linear_both_sides": wording(
        [
            "Solve [for x|]: {a}x + {b} = {c}x + {d}",
            "{girl} says {a} times a number plus {b} is the same as {c} times it plus {d}. [Find the number.|What is it?]",
            "Plan A in {town} costs ₹{a} per {usage} plus ₹{b}; plan B costs ₹{c} per {usage} plus ₹{d}. For how many {usage}s are they equal?",
            "For which x is {a}x + {b} = {c}x + {d}[? {boy} got stuck here.|? It is in {girl}'s {bookname}.|?]",
        ],
        [
            "The equation is {a}x + {b} = {c}x + {d}.",
            "Take {c}x and {b} away from both sides: {ac}x = {db}.",
            "x = {db} ÷ {ac} = {x}.",
        ],
        "{x}",
        "bring the terms with x to one side and the numbers to the other",
    ),
    "ages": wording(
        [
            "{girl}'s {elder} is {k} times as old as she is. [Together they are|The sum of their ages is] {sum} [years|years old]. How old is {girl}?",
            "{boy} is x years old and his {elder} is {k} times as old. Their ages add up to {sum}. Find {boy}'s age.",
            "A {seller} in {town} is {k} times the age of {boy}, and both ages make {sum}. [What is {boy}'s age|How old is {boy}]?",
            "A [banyan|neem|mango] tree in {town} is {k} times as old as a [coconut|peepal|jamun] tree. Their ages add to {sum} years, says {girl}. How old is the younger tree?",
        ],
        ["Let the younger be x; the elder is {k}x.", "x + {k}x = {k1}x = {sum}.", "x = {sum} ÷ {k1} = {child}."],
        "{child}",
        "call the smaller unknown x and write everything else with it",
    ),
    "consecutive": wording(
        [
            "[The sum of three consecutive whole numbers is|Three consecutive integers add up to|Three whole numbers in a row make] {sum}. [Find the largest.|What is the largest one?] [It is in my {bookname}.|]",
            "{girl}, {boy} and {girl2} have [house|roll|token|seat] numbers in a row that add to {sum}. What is the largest number?",
            "{boy} opens a book in {town} at three pages [one after another|in a row]; the page numbers add up to {sum}. Find the last page number.",
            "[On three days in a row|In three matches], {girl} [solved|made|scored] one more each time, {sum} in total. How many on the last?",
        ],
        [
            "Call the middle one x: (x − 1) + x + (x + 1) = 3x.",
            "3x = {sum}, so x = {sum} ÷ 3 = {middle}.",
            "Largest: {middle} + 1 = {largest}.",
        ],
        "{largest}",
        "three numbers in a row are x − 1, x and x + 1, so their sum is three times the middle one",
    ),
    "two_prices": wording(
        [
            "{a} {item} and one {bag} cost ₹{p}; {b} of the same {item} and one such {bag} cost ₹{q}. What does one of the {item} cost?",
            "Solve: {a}x + y = {p} and {b}x + y = {q}. [Give|Find] x[ for {girl}'s {bookname}|, please|].",
            "At {market}, {girl} pays ₹{p} for {a} kg of {fruit} with a basket, and {boy} pays ₹{q} for {b} kg with the same basket. What is 1 kg of {fruit} in rupees?",
            "A [hostel|library|gym] in {town} takes a fixed fee and a daily charge. {boy} paid ₹{p} for {a} days and {girl} ₹{q} for {b}. Find the daily charge in rupees.",
        ],
        ["Write {a}x + y = {p} and {b}x + y = {q}.", "Subtract: {ab}x = {p} − {q} = {pq}.", "x = {pq} ÷ {ab} = {x}."],
        "{x}",
        "when two equations share a term, subtracting one from the other removes it",
    ),
    "quadratic": wording(
        [
            "[Solve|Find the roots of|Factorise and solve]: x² − {sum}x + {product} = 0[ for {boy}'s {bookname}|]",
            "The product of two numbers is {product} and their sum is {sum}. [Find them.|Which numbers are they?] {girl} [wants a quadratic|must use an equation].",
            "A rectangular [{place}|plot] in {town} has area {product} sq m and half its perimeter is {sum} m. [Find its sides.|How long are its sides?]",
            "For which values of x is x² − {sum}x + {product} equal to zero? [{boy} says there are two.|{girl} needs both roots.|My {bookname} has no answer.]",
        ],
        [
            "We need two numbers with sum {sum} and product {product}.",
            "{p} + {q} = {sum} and {p} × {q} = {product}.",
            "So (x − {p})(x − {q}) = 0.",
        ],
        "{p} and {q}",
        "if a product is zero, one of its factors is zero, so we look for two numbers with that sum and product",
    ),
    "nth_term": wording(
        [
            "Find [the {n}th term|term number {n}] of the AP {start}, …[ from {boy}'s {bookname}|]",
            "[Row 1|The first row] of a [stadium|theatre|school hall] in {town} has {a} seats and each next row has {d} more. How many seats has row {n}?",
            "{girl} saves ₹{a} in the first week and ₹{d} more every week. How much does she save in week {n}, in rupees?",
            "{boy} [plants|makes|draws] {a} [saplings|diyas|kolam dots] on day 1 and {d} more each day [for {festival}|in {town}]. How many on day {n}?",
        ],
        [
            "First term {a}, common difference {d}.",
            "Add it n − 1 = {n1} times: {n1} × {d} = {n1d}.",
            "{a} + {n1d} = {term}.",
        ],
        "{term}",
        "to reach term n we add the common difference n − 1 times",
    ),
    "sum_of_terms": wording(
        [
            "Find the sum of the first {n} terms of the AP with first term {a} and common difference {d}[ for {girl}|, as in my {bookname}|].",
            "{girl} saves ₹{a} in month 1 and ₹{d} more each month. How much has she saved after {n} months, in rupees?",
            "A [potter|weaver|florist] in {town} makes {a} pieces on the first day and {d} more each day. How many pieces in {n} days?",
            "[Oranges|Logs|Bricks|Laddoos] are stacked in {n} rows at {market}: {a} in the top row and {d} more in each next row. How many in all?",
        ],
        [
            "Last term: {a} + {n1} × {d} = {last}.",
            "First plus last: {a} + {last} = {ends}.",
            "Sum: {half} × {ends} = {sum}.",
        ],
        "{sum}",
        "first and last, second and last but one, all make the same sum, and there are n/2 such pairs",
    ),
}
