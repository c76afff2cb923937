"""English wording of geometry.py: lengths, areas, volumes, angles."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "rectangle_fence": wording(
        [
            "A {place} in {town} is {l} m long and {b} m wide. [Fencing|A border|A rope fence] costs ₹{rate} per metre. [Find the cost.|What is the total cost?]",
            "{boy}'s {elder} wants to fence a rectangular {place}, {l} m by {b} m, at ₹{rate} a metre. How much will it cost?",
            "[Lights|Flags|Marigold strings] go once around the {place} for {festival}. It measures {l} m × {b} m and one metre costs ₹{rate}. What is the cost for {girl}'s {group}?",
            "At ₹{rate} per metre, what does {girl} pay for wire around a {l} m long and {b} m broad {place}?",
        ],
        ["Perimeter: 2 × ({l} + {b}) = 2 × {lb} = {around} m.", "Cost: {around} × {rate} = ₹{cost}."],
        "₹{cost}",
        "a fence goes around, so we need the perimeter and not the area",
    ),
    "rectangle_area": wording(
        [
            "The floor of a {place} in {town} is {l} m by {b} m. One square metre needs {per} tiles. How many tiles [does {boy} need|are needed]?",
            "{girl} paints a wall {l} m long and {b} m high [for {festival}|at her school]. Each square metre takes {per} [strokes|spoons of paint|stencils]. How many in all?",
            "A rectangular {place} measures {l} m × {b} m. {boy} plants {per} saplings in every square metre. [How many saplings?|Find the number of saplings.]",
            "[In {town}|At {market}], a mat of {l} m by {b} m is woven with {per} [knots|beads|flowers] on each square metre. How many are used[ by {girl}|]?",
        ],
        ["Area: {l} × {b} = {area} sq m.", "Number needed: {area} × {per} = {tiles}."],
        "{tiles}",
        "the area of a rectangle is length times breadth, and every square metre needs the same number",
    ),
    "triangle_area": wording(
        [
            "Find the area of a triangular [{place}|plot|park] in {town} with base {base} m and height {h} m.",
            "{girl} cuts a triangular [flag|kite|scarf|paper] with base {base} cm and height {h} cm [for {festival}|for her {group}]. What is its area in square units?",
            "A [sail|roof gable|garden bed|road sign] in {town} is a triangle: base {base} units, height {h} units. What is its area, asks {boy}?",
            "What is the area of {boy}'s triangle of base {base} cm and altitude {h} cm[ in the {bookname}|]?",
        ],
        ["Area = base × height ÷ 2.", "{base} × {h} = {product}.", "{product} ÷ 2 = {area}."],
        "{area}",
        "a triangle is half of the rectangle with the same base and height",
    ),
    "circle_turns": wording(
        [
            "The radius of {wheel} is {r} cm. How far does it roll in {turns} turns, in cm? [Take π = 22/7.|Use 22/7 for π.]",
            "{boy} rolls {wheel} of radius {r} cm along a road in {town}. It turns {turns} times. Find the distance in cm (π = 22/7).",
            "{girl} [runs|walks] {turns} times around a round [flower bed|pond|well|stage] of radius {r} cm in a model of {town}. What length is that in cm? π = 22/7",
            "With π = 22/7, how many cm does {wheel} of radius {r} cm cover when it makes {turns} rounds [for {girl}|in {boy}'s workshop]?",
        ],
        ["Circumference: 2 × 22/7 × {r} = {around} cm.", "Distance: {around} × {turns} = {way} cm."],
        "{way} cm",
        "in one turn a wheel moves ahead by its circumference, 2πr",
    ),
    "box_volume": wording(
        [
            "Find the volume of {box} that is {l} cm long, {b} cm wide and {h} cm high[ for {girl}|].",
            "{boy} fills {box}, {l} cm × {b} cm × {h} cm, with 1 cm cubes. How many cubes fit?",
            "How many cubic centimetres of [water|sand|rice|sugar] fill {box} of {girl}'s {elder} that measures {l} cm by {b} cm by {h} cm?",
            "A [craftsman|carpenter] in {town} makes {box} with inner sides {l} cm, {b} cm and {h} cm. What is its volume in cubic cm?",
        ],
        ["Base area: {l} × {b} = {base} sq cm.", "Volume: {base} × {h} = {volume} cubic cm."],
        "{volume}",
        "volume is the area of the base times the height",
    ),
    "ladder": wording(
        [
            "A [wire|rope|chain of flags] runs from the top of a [mast|tower|gate] {b} m high in {town} to a peg {a} m from its foot. How long is it[, asks {girl}|]?",
            "{boy} walks {a} m east and then {b} m north [from {market}|in {town}|from the {place}]. How far is he from the start?",
            "The sides of a right triangle at the right angle are {a} cm and {b} cm. Find the [hypotenuse|longest side][ for {girl}'s {bookname}|].",
            "A [screen|field|{place}] of {girl}'s school is {a} m by {b} m. What is the length of its diagonal?",
        ],
        ["By Pythagoras: c² = {a}² + {b}².", "{aa} + {bb} = {cc}.", "The square root of {cc} is {c}."],
        "{c}",
        "in a right triangle the square on the hypotenuse equals the sum of the squares on the other two sides",
    ),
    "third_angle": wording(
        [
            "Two angles of a triangle are {a}° and {b}°. [Find the third angle.|What is the third?][ {boy} has it in his {bookname}.|]",
            "{girl} cuts a triangular [kite|flag|rangoli piece|samosa card] with angles {a}° and {b}°. [How big is the third angle|What is the third angle]?",
            "The roof of a [hut|shed|{place}] in {town} is a triangle. Its base angles are {a}° and {b}°. Find the angle at the top.",
            "In triangle [ABC|PQR|XYZ|LMN] {boy} measures {a}° and {b}°. What must the third angle be?",
        ],
        ["The angles of a triangle add up to 180°.", "{a} + {b} = {ab}.", "180 − {ab} = {c}."],
        "{c}°",
        "the three angles of every triangle add up to 180°",
    ),
}
