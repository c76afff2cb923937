"""English wording of arithmetic.py: fractions, ratio, averages, factors, time, probability, exponents."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "fraction_sum": wording(
        [
            "[Work out|Find|Calculate|Simplify|What is] {a}/{b} + {c}/{d} [|in lowest terms|as a single fraction]",
            "{girl} [drinks|pours out|uses] {a}/{b} of a litre of [milk|juice|buttermilk|water] [in the morning|at school|before lunch] and "
            "{c}/{d} of a litre [in the evening|at home|after dinner]. How [much is that|many litres is that] in all?",
            "{boy} [walked|cycled|ran] {a}/{b} km [to the market|to the temple|to the bus stop] in {town} and then {c}/{d} km "
            "[to school|to the library|to a friend's house]. What distance did {boy} cover?",
            "A [tailor|weaver|florist] in {town} used {a}/{b} m of [red|green|golden|blue] ribbon and {c}/{d} m of [white|yellow|pink|silver] "
            "ribbon [for {festival}|for a garland|on a dress]. Find the total length.",
            "A recipe for {sweet} needs {a}/{b} cup of [milk|ghee|coconut] and {c}/{d} cup of [sugar|flour|jaggery]. How many cups does {girl} [measure|use] together?",
        ],
        [
            "The LCM of {b} and {d} is {lcd}.",
            "{a}/{b} = {a2}/{lcd} and {c}/{d} = {c2}/{lcd}.",
            "Add the tops: {a2} + {c2} = {num}, so the sum is {num}/{lcd}.",
        ],
        "{num}/{lcd}",
        "fractions can be added only when their denominators are the same, so we first bring both to the LCM",
    ),
    "fraction_of": wording(
        [
            "{girl} has {total} {item}. She [gives|hands|donates] {p}/{q} of them to {boy}. How many [are left|does she keep|remain with her]?",
            "A [{seller}|farmer] in {town} [brought|carried] {total} {fruit} to {market} and sold {p}/{q} of them. How many were [not sold|left]?",
            "There are {total} [students|children|players] in the {group}. {p}/{q} of them [come by bus|live in {town}|play chess|wear glasses]. "
            "How many do not?",
            "Out of {total} {sweet} made for {festival}, the guests ate {p}/{q}. How many {sweet} [remain|were left over]?",
            "[A novel|A storybook|A comic book|A travel diary] has {total} pages. {boy} finished {p}/{q} of it [during the {festival} holidays|"
            "on a train to {town}]. How many pages are left?",
        ],
        [
            "One part is {total} ÷ {q} = {one}.",
            "{p} parts are {one} × {p} = {part}.",
            "What is left: {total} − {part} = {rest}.",
        ],
        "{rest}",
        "the denominator tells into how many equal parts we divide, and the numerator how many of them we take",
    ),
    "ratio_share": wording(
        [
            "{girl} and {boy} share ₹{total} in the ratio {m}:{n}. [How much does {girl} get?|Find {girl}'s share.|What is {girl}'s part?]",
            "Divide {total} {sweet} between {girl} and {boy} in the ratio {m}:{n} [for {festival}|after the puja|at a party]. How many does {girl} get?",
            "In a {group} of {total} [children|members] from {town}, girls and boys are in the ratio {m}:{n}. How many girls are there?",
            "[A paint mix takes red and white|A sharbat takes syrup and water|A rangoli mix takes powder and sand] in the ratio {m}:{n} and [makes|fills] {total} [spoons|cups] in all. "
            "How many of them are of the first kind, asks {boy}?",
            "Two [partners|friends|sisters], {girl} and {girl2}, earn ₹{total} from {market} in {town} and split it {m}:{n}. Find the larger share.",
        ],
        [
            "Total parts: {m} + {n} = {parts}.",
            "One part is {total} ÷ {parts} = {one}.",
            "{m} parts are {one} × {m} = {larger}.",
        ],
        "{larger}",
        "we add the parts of the ratio, find the value of one part, and then multiply",
    ),
    "unitary": wording(
        [
            "If {n} {item} cost ₹{cost} [at {market}|in {town}], [what will {m} cost|how much do {m} cost|find the price of {m}]?",
            "{boy} paid ₹{cost} for {n} {fruit} in {town}. How much [must {girl} pay|will {girl} pay] for {m} at the same rate?",
            "A [{seller}|shop] in {town} sells {n} {sweet} for ₹{cost}. {girl} needs {m} for {festival}. What is the bill?",
            "[The canteen|A hostel cook|The caterer] in {town} spends ₹{cost} on {n} plates of [idli|poha|upma|dosa|puri]. Find the cost of {m} plates.",
            "{girl} types {cost} words in {n} minutes [on the school computer|in the {town} library|for the {group}]. At this speed, how many words will she type in {m} minutes?",
        ],
        ["One costs {cost} ÷ {n} = {each}.", "So {m} cost {each} × {m} = {new_cost}."],
        "{new_cost}",
        "in the unitary method we find the value of one first and then of as many as we need",
    ),
    "mean": wording(
        [
            "{boy} noted {list} {counted} in five [matches|rounds|weeks]. [Find the mean.|What is his average?|Work out the average.]",
            "The {counted} of {girl}'s {group} over five [days|weeks|games] were {list}. [Find the average.|What is the mean?]",
            "In {town} the [number of buses|number of visitors to {market}|number of goods trains] on five days was {list}. What is the mean?",
            "Five [friends|cousins|players] of the {group} in {town} have {list} {item} each. How many do they have on average?",
            "[Calculate|Find] the arithmetic mean of {list}[, the {counted} noted by {girl}|, the {counted} of {boy} this month].",
        ],
        ["Add all five: {sum_text} = {sum}.", "Divide by how many there are: {sum} ÷ 5 = {mean}."],
        "{mean}",
        "the mean spreads the total equally, so we add everything and divide by the number of values",
    ),
    "median": wording(
        [
            "Find the median of {list}[, the {counted} of {boy}'s {group}|, the roll numbers of a team from {town}|].",
            "Seven [students|players] of the {group} in {town} got {list} [marks|points]. What is the median?",
            "{girl} noted {list} as the {counted} on seven days. [Which value is the median|What is the middle value]?",
            "The prices of seven {item} [at {market}|in {town}] are {list} rupees. Find the median price.",
        ],
        [
            "Put them in order: {ordered}.",
            "There are 7 values, so the middle one is the 4th.",
            "The 4th value is {median}.",
        ],
        "{median}",
        "the median is the middle value, so the data must be put in order first",
    ),
    "lcm_bells": wording(
        [
            "Two [temple bells|school bells|alarm clocks|church bells] in {town} [ring|sound|go off] every {a} and {b} minutes. They [ring|start] together now. "
            "After how many minutes will they do so again?",
            "[A bus to {town}|The {town} bus] leaves every {a} minutes and [one to {town2}|the {town2} bus] every {b} minutes. Both leave at 6 a.m. After how many minutes do they leave together again?",
            "{girl} waters her [tulsi|roses|jasmine|money plant] every {a} days and {boy} every {b} days. Both did it today. After how many days will it be the same day again?",
            "What is the [LCM|least common multiple] of {a} and {b} [for {boy}'s homework|that {girl} needs for the {group} timetable|from my {bookname}]?",
        ],
        [
            "The HCF of {a} and {b} is {hcf}.",
            "LCM = product ÷ HCF, and {a} × {b} = {product}.",
            "{product} ÷ {hcf} = {lcm}.",
        ],
        "{lcm}",
        "things that repeat meet again after the least common multiple of their times",
    ),
    "hcf_packets": wording(
        [
            "{girl} has {a} {item} and {b} {sweet}. She wants equal [packets|gift bags|sets] with nothing left over [for {festival}|]. What is the largest number of packets?",
            "A [teacher|coach] in {town} has {a} girls and {b} boys and wants teams with the same mix [for {festival}|]. What is the greatest number of teams?",
            "[Two ribbons|Two ropes|Two pipes|Two bamboo poles] of {a} cm and {b} cm are cut by {boy} into equal pieces with no waste. What is the longest length of a piece in cm?",
            "{boy} packs {a} {fruit} and {b} {fruit2} [at {market}|in {town}] so that every box is the same. Find the greatest number of boxes.",
        ],
        [
            "{a} = {hcf} × {m} and {b} = {hcf} × {n}.",
            "{m} and {n} share no factor except 1.",
            "So the HCF of {a} and {b} is {hcf}.",
        ],
        "{hcf}",
        "the largest equal share of two amounts is their highest common factor",
    ),
    "travel_time": wording(
        [
            "{vehicle} [covers|travels] {distance} km from {town} to {town2} at {speed} km/h. [How many hours does it take|How long is the trip in hours]?",
            "{town} and {town2} are {distance} km apart. {boy} drives at {speed} km/h. In how many hours does he [arrive|get there]?",
            "[At a steady|At an average] {speed} km/h, how many hours does {girl} need for the {distance} km [road|journey] to {town} [for {festival}|]?",
            "The [mail|night|morning] train to {town} runs at {speed} km/h and its route is {distance} km. Find the time in hours [for {girl}'s diary|].",
        ],
        ["Time = distance ÷ speed.", "{distance} ÷ {speed} = {hours} hours."],
        "{hours} hours",
        "speed tells how far we go in one hour, so we divide the distance by it",
    ),
    "travel_speed": wording(
        [
            "{vehicle} goes {d1} km in {t1} h to {town} and then {d2} km in {t2} h to {town2}. Find the average speed [of the whole trip|].",
            "{boy} [rides|drives] {d1} km in {t1} hours, [rests in {town}|takes tea], and then covers {d2} km in {t2} hours. What is his average speed while moving?",
            "On the way to {town} for {festival}, {girl}'s bus did {d1} km in the first {t1} h and {d2} km in the next {t2} h. What was its average speed in km/h?",
            "A [truck|lorry|tourist bus] from {town} to {town2} takes {t1} h for {d1} km of [hill road|city road] and {t2} h for {d2} km of highway. Average speed?",
        ],
        [
            "Whole distance: {d1} + {d2} = {distance} km.",
            "Whole time: {t1} + {t2} = {hours} h.",
            "{distance} ÷ {hours} = {speed} km/h.",
        ],
        "{speed} km/h",
        "average speed is the whole distance divided by the whole time, never the mean of two speeds",
    ),
    "work_together": wording(
        [
            "{girl} can {job} in {a} days and {boy} in {b} days. [Working together, how many days do they need?|In how many days do they finish together?]",
            "One of two {worker} in {town} needs {a} days to {job}, the other {b} days. How long do they take together?",
            "[A pump|A tap|A pipe] fills the water tank of [a school|a hostel|a temple|a hospital] in {town} in {a} hours, a second one in {b} hours. Both run. In how many hours is it full?",
            "For {festival}, {boy} alone would {job} in {b} days; his friend {boy2} would take {a} days. How many days [together|if both work]?",
        ],
        [
            "In one unit of time they do 1/{a} + 1/{b} = {sum}/{product} of the work.",
            "Turn it over: {product} ÷ {sum} = {days}.",
        ],
        "{days}",
        "we add what each does in one day, because days themselves cannot be added",
    ),
    "metres": wording(
        [
            "{girl} walks {km} km {m} m [to {market}|along the canal|in {town}] [in a week|]. How many metres is that?",
            "[Convert|Change|Write] {km} km {m} m [into|to] metres [for {boy}'s map of {town}|for a road sign in {town}|].",
            "The road from {town} to the {place} is {km} km {m} m long. [Express it|Give the length] in metres.",
            "{boy}'s [school van|cycle|bus] showed {km} km and {m} m on the meter in {town}. How many metres did it go?",
        ],
        ["1 km = 1000 m, so {km} km = {km} × 1000 = {km_m} m.", "Add the rest: {km_m} + {m} = {total} m."],
        "{total} m",
        "one kilometre is 1000 metres, so we multiply the kilometres by 1000 and add the metres",
    ),
    "probability": wording(
        [
            "A {bag} has {red} red and {blue} [blue|green|white|yellow] {ball}. {girl} [takes|draws|picks] one without looking. What is the probability that it is red?",
            "{boy} puts {red} red {ball} and {blue} [black|orange|pink|brown] ones into a {bag} [at {market}|at the school fair in {town}|]. One is drawn. Find P(red).",
            "[At the {festival} fair|In a game in {town}], a {bag} holds {red} winning {ball} and {blue} blank ones. What is the chance that {girl} wins?",
            "In {girl}'s {group} {red} members [like|play] cricket and {blue} [like|play] kabaddi. One is chosen at random. Find the probability of a cricket fan.",
        ],
        [
            "Total outcomes: {red} + {blue} = {total}.",
            "Favourable outcomes: {red}, so the probability is {red}/{total}.",
            "Divide both by {hcf}: {chance}.",
        ],
        "{chance}",
        "probability is the number of favourable outcomes divided by the number of all equally likely outcomes",
    ),
    "powers": wording(
        [
            "[Simplify|Find the value of|Evaluate|Work out] {a}^{m} × {a}^{n} ÷ {a}^{k} [using the laws of exponents|with steps|for {boy}'s {bookname}|]",
            "{girl} [has to|must] simplify {a}^{m} × {a}^{n} and then divide by {a}^{k}. What [number|value] does she get?",
            "In a [quiz|maths club] in {town}, {boy} is asked for {a}^{m} × {a}^{n} ÷ {a}^{k}. What should he say?",
            "[First multiply|Multiply] {a}^{m} by {a}^{n}[, then divide|; after that, divide] by {a}^{k}. Give the result as a number[ for {girl}|, as in my {bookname}|].",
        ],
        [
            "Same base, so add the powers: {m} + {n} = {mn}.",
            "Divide: subtract the power, {mn} − {k} = {left}.",
            "{a}^{left} = {value}.",
        ],
        "{value}",
        "with the same base, powers are added in a product and subtracted in a division",
    ),
}
