"""English wording of commerce.py: shopping, discount, profit, interest."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "shopping": wording(
        [
            "{girl} [buys|picks up|takes home] {n} {item} at ₹{price} each from {market}. She [pays|gives|hands over] ₹{paid}. [How much change does she get|What is her change|How much comes back]?",
            "At {market} in {town}, {fruit} [cost|are] ₹{price} a kilo. {boy} [needs|buys|wants] {n} kg and [pays with|gives] ₹{paid}. [What change should he get|How much money is returned]?",
            "For {festival}, {girl}'s {elder} orders {n} boxes of {sweet} at ₹{price} a box and gives ₹{paid}. [Find the change.|How much should the {seller} return?]",
            "{boy} had ₹{paid} [in his pocket|saved up|from his {elder}]. He bought {n} {item} for ₹{price} each [in {town}|at {market}]. How much is left?",
            "[A bus ticket|A zoo ticket|A museum ticket|A boat ride] in {town} costs ₹{price}. The {group} needs {n}. The [coach|teacher|monitor] pays ₹{paid}; what is the change?",
        ],
        ["Cost: {n} × {price} = ₹{total}.", "Change: {paid} − {total} = ₹{change}."],
        "₹{change}",
        "first find the whole cost by multiplying, then take it away from the money paid",
    ),
    "two_items": wording(
        [
            "{girl} buys {n} {item} at ₹{p} each and {m} {item2} at ₹{q} each [at {market}|in {town}|]. [What is the bill?|How much does she pay?|Find the total cost.]",
            "[For {festival}|For a picnic|For the {group}], {boy} orders {n} plates of [idli|poha|samosas|puri] at ₹{p} and {m} glasses of [lassi|juice|nimbu pani|tea] at ₹{q}. What is the total bill?",
            "A {seller} in {town} sells {fruit} at ₹{p} a kilo and {fruit2} at ₹{q} a kilo. {girl} takes {n} kg and {m} kg. How much [in all|must she pay]?",
            "Tickets to the [zoo|circus|science park|planetarium] in {town} cost ₹{p} for [a child|students] and ₹{q} for [an adult|teachers]. What do {n} children and {m} adults pay?",
        ],
        ["First: {n} × {p} = ₹{np}.", "Second: {m} × {q} = ₹{mq}.", "Together: {np} + {mq} = ₹{total}."],
        "₹{total}",
        "find the cost of each kind first and then add them",
    ),
    "discount": wording(
        [
            "{dear} in {town} is marked ₹{marked}. [During the {festival} sale|Today|This week] there is {rate}% off. [How much does {girl} pay?|What is the selling price?|Find the price after the discount.]",
            "{boy} wants {dear} [priced at|with a tag of] ₹{marked}. The {seller} [allows|gives] a {rate}% discount. What must he pay?",
            "[At {market}|In a shop in {town}], a {rate}% rebate is given on a ₹{marked} bill [for {festival}|for {item}|]. [Find the amount to be paid.|What does {girl} pay?]",
            "Find the price of {dear} after {rate}% discount if its marked price is ₹{marked} [in {boy}'s shop|in {town}|at {market}].",
        ],
        ["Discount: {marked} × {rate} ÷ 100 = ₹{saved}.", "Price: {marked} − {saved} = ₹{pay}."],
        "₹{pay}",
        "a discount is a percentage of the marked price, so we find it and take it away",
    ),
    "marks_percent": wording(
        [
            "{girl} got {got} out of {total} in {subjectname}. [What percentage is that?|Find her percentage.|What per cent did she score?]",
            "In the {subjectname} [test|exam|quiz] in {town}, {boy} scored {got} of {total} marks. Express it as a percentage.",
            "Out of {total} [penalty shots|free throws|spelling words|serves], {boy}'s {group} got {got} right. What is the [success rate|percentage]?",
            "{got} of the {total} [seeds|saplings|bulbs|kites] that {girl} tried in {town} [grew|worked|were good]. What percentage is it?",
        ],
        ["Write it as a fraction: {got}/{total}.", "Multiply by 100: {got} × 100 ÷ {total} = {percent}."],
        "{percent}%",
        "per cent means out of a hundred, so we multiply the fraction by 100",
    ),
    "population": wording(
        [
            "[A village|A colony|A small town] near {town} had {before} people. [In a year|After the harvest|In two years] the number grew by {rate}%. How many live there now?",
            "[{girl}'s library had {before} books|{girl}'s channel had {before} followers|A co-operative in {town} had {before} members|The {town} zoo had {before} visitors], and now it has {rate}% more. What is the new number?",
            "The [monthly salary|rent|pension|stipend] of {boy}'s {elder} was ₹{before}. It [rose|was raised] by {rate}%. What is it now, in rupees?",
            "A [farm|mill|dairy] in {town} made {before} kg [last season|last year]. Output [increased|went up] by {rate}%. How many kg this time?",
        ],
        ["Increase: {before} × {rate} ÷ 100 = {more}.", "New value: {before} + {more} = {after}."],
        "{after}",
        "the increase is a percentage of the old value, and it is added to the old value",
    ),
    "profit_percent": wording(
        [
            "A {seller} in {town} buys {dear} for ₹{cost} and sells it for ₹{selling}. [Find the profit per cent.|What is the profit percentage?]",
            "{girl} made {item} for ₹{cost} and sold them at {market} for ₹{selling}. What per cent profit did she make?",
            "[Cost price|The cost] ₹{cost}, selling price ₹{selling}: [what is the gain per cent|find the gain %] for {boy}, a {seller} [of|in] {town}?",
            "{boy} got {dear} for ₹{cost} [before {festival}|last month] and sold it to {girl} for ₹{selling}. Find his gain per cent.",
        ],
        ["Profit: {selling} − {cost} = ₹{profit}.", "Profit per cent: {profit} × 100 ÷ {cost} = {percent}."],
        "{percent}%",
        "profit per cent is always counted on the cost price",
    ),
    "selling_after_loss": wording(
        [
            "{girl} bought {dear} for ₹{cost} and sold it at a loss of {percent}%. [What was the selling price|For how much did she sell it]?",
            "A {seller} in {town} loses {percent}% on goods that cost ₹{cost}. [Find the selling price.|At what price were they sold?]",
            "[After {festival}|At the end of the season], {boy} sells {item} worth ₹{cost} with {percent}% loss [at {market}|]. How much does he get?",
            "{dear} cost {boy} ₹{cost}. [It was scratched, so|In {town}] he sold it at {percent}% loss. Find the selling price.",
        ],
        ["Loss: {cost} × {percent} ÷ 100 = ₹{loss}.", "Selling price: {cost} − {loss} = ₹{selling}."],
        "₹{selling}",
        "the loss is a percentage of the cost price, and it is taken away from it",
    ),
    "simple_interest": wording(
        [
            "{girl} [deposits|keeps|puts] ₹{P} in a [bank|post office|co-operative society] in {town} at {R}% [simple interest|per year simple interest] for {T} years. [Find the interest.|How much interest does she get?]",
            "[Find|Calculate] the simple interest on ₹{P} at {R}% per annum for {T} years[ for {boy}'s {bookname}|, which {boy} pays on his loan|].",
            "{boy}'s {elder} [borrows|takes a loan of] ₹{P} [to buy {dear}|to open a stall|for {festival}] at {R}% a year simple interest. What interest is due after {T} years?",
            "A [farmer|{seller}|tailor] from {town} borrowed ₹{P} for {T} years at {R}% per year. How much simple interest [must be paid|is it]?",
        ],
        ["SI = P × R × T ÷ 100.", "{P} × {R} × {T} = {product}.", "{product} ÷ 100 = ₹{interest}."],
        "₹{interest}",
        "simple interest is earned on the principal alone, the same amount every year",
    ),
    "compound_interest": wording(
        [
            "{girl} [invests|puts] ₹{P} [in {town}|in a bank] at {R}% compounded yearly. What is the amount after 2 years?",
            "[Find|Work out] the amount on ₹{P} at {R}% compound interest for 2 years[ for {boy}'s {elder}|, as in {girl}'s {bookname}|].",
            "{boy}'s {elder} borrows ₹{P} for {dear} at {R}% a year, interest compounded every year. How much must be paid back after 2 years?",
            "A [society|self-help group|firm] in {town} lends ₹{P} at {R}% per annum compound interest. What does it get back [from {girl}|] after two years?",
        ],
        [
            "Year 1: {P} × {R} ÷ 100 = ₹{first}, so there is ₹{after_first}.",
            "Year 2: {after_first} × {R} ÷ 100 = ₹{second}.",
            "{after_first} + {second} = ₹{amount}.",
        ],
        "₹{amount}",
        "in compound interest each year's interest is added and earns interest in the next year",
    ),
}
