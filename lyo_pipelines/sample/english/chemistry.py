"""English wording of chemistry.py."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "balancing": wording(
        [
            "Balance this equation[ for {girl}|]: {skeleton}[. It is in my {bookname}.|. {Who} says the atoms do not match.|]",
            "{boy} wrote {skeleton} in [his|the] {town} lab [notebook|report]. [Balance it, please.|What is the balanced form?]",
            "[How do I balance {skeleton}?|Please balance {skeleton}.|What are the coefficients in {skeleton}?] [{girl} and I tried for an hour.|Our test is {when}.|{boy} from {town} asked me.]",
        ],
        [
            "Count each element on both sides of {skeleton}.",
            "Choose the smallest whole coefficients: {coefficients}.",
            "Check: {check}.",
        ],
        "{balanced}",
        "atoms are neither made nor lost, so each element must have the same count on both sides",
    ),
    "molar_mass": wording(
        [
            "[Find|Calculate|What is] the molar mass of {formula}[ for {girl}'s {bookname}|, as asked in the {town} olympiad|, please; our test is {when}|]",
            "{boy} needs the molar mass of {formula} in g/mol [for the lab in {town}|before he weighs it|for his {bookname}]. How much is it?",
            "In the {town} [school|college] lab a bottle says {formula}. [What is its molar mass?|Help {girl} find its molar mass.]",
        ],
        ["Add the atomic masses in {formula}: {terms}.", "{terms} = {M} g/mol."],
        "{M} g/mol",
        "the molar mass is the sum of the masses of all atoms in the formula",
    ),
    "moles_from_mass": wording(
        [
            "How many moles are there in {mass} g of {formula}[, which {girl} weighed|, as in my {bookname}| in {boy}'s beaker]?",
            "{boy} weighs {mass} g of {formula} in the {town} lab. [Find the number of moles.|How many moles has he?]",
            "[Convert|Change] {mass} g of {formula} into moles[ for {girl}| for the test {when}|, please].",
        ],
        ["Molar mass of {formula}: {terms} = {M} g/mol.", "Moles = mass ÷ molar mass.", "{mass} ÷ {M} = {moles} mol."],
        "{moles} mol",
        "one mole weighs as many grams as the molar mass, so we divide the mass by it",
    ),
    "mass_from_moles": wording(
        [
            "What is the mass of {moles} mol of {formula}[ that {girl} needs| in my {bookname}| for {boy}'s project]?",
            "{girl} must take {moles} mol of {formula} for [an experiment|a demo] in {town}. How many grams should she weigh?",
            "Find the mass in grams: {moles} moles of {formula}[. {boy} asked it in class.|. It came in the {bookname}.|]",
        ],
        ["Molar mass of {formula}: {terms} = {M} g/mol.", "Mass = moles × molar mass.", "{moles} × {M} = {mass} g."],
        "{mass} g",
        "the mass is the number of moles times the molar mass",
    ),
    "strong_acid_ph": wording(
        [
            "What is the pH of {conc} M {acid}[ in {girl}'s flask|, a strong acid|, asks my {bookname}]?",
            "{boy} prepares {conc} mol/L {acid} in the {town} lab. [Find|Calculate] its pH.",
            "A {conc} M solution of {acid} is [kept on {girl}'s bench|used by the {group} in {town}|given by {who}]. Work out the pH.",
        ],
        [
            "{acid} is a strong acid, so the H⁺ concentration is {conc} M.",
            "{conc} = 10^-{power}.",
            "pH is the negative power: {pH}.",
        ],
        "{pH}",
        "a strong acid gives all its H⁺, and pH is minus the power of ten of that concentration",
    ),
    "neutrons": wording(
        [
            "How many neutrons are in an atom of {symbol} with mass number {A} and atomic number {Z}[, asks {girl}| for {boy}'s chart|]?",
            "[In {girl}'s chart|On a card in the {town} quiz|In my {bookname}] {symbol} has Z = {Z} and A = {A}. Find its neutrons.",
            "{boy} draws an atom of {symbol} ({Z} protons, mass number {A}) for the {group}. How many neutrons must he draw?",
        ],
        ["Mass number = protons + neutrons.", "{A} − {Z} = {N} neutrons."],
        "{N}",
        "the mass number counts protons and neutrons together, so we take the protons away",
    ),
    "valence_electrons": wording(
        [
            "How many valence electrons does {symbol} (atomic number {Z}) have[, asks {girl} from {town}| in {boy}'s model|; it is in my {bookname}]?",
            "Write the shells of {symbol}, Z = {Z}, and [give|count] its outermost electrons[ for {girl}'s {group}| for the test {when}|, please].",
            "{boy} builds a model of {symbol} with {Z} electrons [at the {town} science fair|for {who}]. How many go into the last shell?",
        ],
        ["{symbol} has {Z} electrons.", "The shells K, L, M, N fill as {shells}.", "The last shell holds {last}."],
        "{last}",
        "shells fill in the order 2, 8, 8, and the electrons in the last shell are the valence electrons",
    ),
    "molarity": wording(
        [
            "{girl} dissolves {moles} mol of {solute_name} to make {litres} L of solution [in {town}|]. What is the molarity?",
            "[Find|Calculate] the molarity of {litres} L of a solution with {moles} moles of {solute_name}[ in {boy}'s lab| for my {bookname}|].",
            "The {town} water lab keeps {litres} litres of {solute_name} solution that hold {moles} mol. How strong is it in mol/L?",
        ],
        ["Molarity = moles ÷ litres of solution.", "{moles} ÷ {litres} = {M} mol/L."],
        "{M} M",
        "molarity tells how many moles are in one litre of solution",
    ),
    "mass_percent": wording(
        [
            "{boy} dissolves {solute} g of {solute_name} in {water} g of water [for the {group}|in {town}|]. Find the mass per cent of the solution.",
            "A {solute_name} solution of {solution} g [in {girl}'s jar|made in {town}] has {solute} g of {solute_name}. What is its concentration in mass per cent?",
            "How strong, in % by mass, is a mix of {solute} g {solute_name} and {water} g water[ from {girl}'s {bookname}| made by {who}|]?",
        ],
        ["Mass of solution: {solute} + {water} = {solution} g.", "{solute} × 100 ÷ {solution} = {percent}."],
        "{percent}%",
        "mass per cent is the mass of solute in each 100 g of solution",
    ),
    "kelvin": wording(
        [
            "[Convert|Change|Write] {C} °C [into|in] kelvin[ for {girl}'s {bookname}|, as {boy} needs it for the lab|]. Take 0 °C = 273 K.",
            "{girl}'s [furnace|oven|water bath|oil bath] in {town} is at {C} °C. What is that in kelvin (use 273)?",
            "A thermometer in {boy}'s {place} shows {C} °C. How many kelvin is it, with 273?",
        ],
        ["K = °C + 273.", "{C} + 273 = {K} K."],
        "{K} K",
        "the kelvin scale starts 273 degrees lower, so we add 273",
    ),
    "density": wording(
        [
            "{volume} cm³ of {liquid} has a mass of {mass} g. What is its density[, asks {girl}?|? It is for the {group}.|? {Who} wants to know.]",
            "{boy} fills a cup with {volume} cm³ of {liquid}; it adds {mass} g to the balance. [Calculate the density.|What density is that?]",
            "In the {town} lab, {girl} pours {volume} cm³ of {liquid} on a balance that shows {mass} g. What is the density in g/cm³?",
        ],
        ["Density = mass ÷ volume.", "{mass} ÷ {volume} = {density} g/cm³."],
        "{density} g/cm³",
        "density is the mass of each cubic centimetre",
    ),
    "density_of_metal": wording(
        [
            "{boy} measures {solid}: mass {mass} g, volume {volume} cm³. [Calculate the density.|What density is that?]",
            "{solid} from {town} weighs {mass} g and pushes {volume} cm³ of water aside. Find its density[ for {girl}|].",
            "What is the density of {solid} of {mass} g that takes up {volume} cm³[, asks {girl}|; it is in my {bookname}|]?",
        ],
        ["Density = mass ÷ volume.", "{mass} ÷ {volume} = {density} g/cm³."],
        "{density} g/cm³",
        "density is the mass of each cubic centimetre",
    ),
}
