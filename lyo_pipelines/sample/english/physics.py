"""English wording of physics.py."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "acceleration": wording(
        [
            "{vehicle} near {town} speeds up from {u} m/s to {v} m/s in {t} s. [Find its acceleration.|What is its acceleration?]",
            "[In a lab|In a test|On a track in {town}], {body} goes from {u} m/s to {v} m/s within {t} seconds. Calculate the acceleration.",
            "{girl} [watches|films] {body} on a slope; its speed changes from {u} m/s to {v} m/s in {t} s. What acceleration is that?",
            "What is the acceleration of {body} if {boy} notes u = {u} m/s, v = {v} m/s and t = {t} s[ in {town}|]?",
        ],
        ["a = (v − u) ÷ t.", "Change of speed: {v} − {u} = {vu} m/s.", "{vu} ÷ {t} = {acc} m/s²."],
        "{acc} m/s²",
        "acceleration is how much the speed changes in each second",
    ),
    "average_speed": wording(
        [
            "{boy} [runs|cycles|skates] {s} m in {t} s [at the {town} sports day|around the {place}|]. What is his average speed?",
            "{body} covers {s} metres in {t} seconds [on a street in {town}|while {girl} watches|]. Find its average speed in m/s.",
            "[Calculate|Find] the average speed of {vehicle} that [crosses|passes] a [bridge|platform|tunnel] of {s} m at {town} in {t} s.",
            "{girl}'s stopwatch shows {t} s while {body} moves {s} m. [What speed is it|How fast is it]?",
        ],
        ["Average speed = distance ÷ time.", "{s} ÷ {t} = {v} m/s."],
        "{v} m/s",
        "speed is the distance covered in one second",
    ),
    "braking": wording(
        [
            "{vehicle} starts from rest at {town} and gains speed at {acc} m/s². [How far|What distance] does it go in {t} s?",
            "Starting from rest, {body} accelerates at {acc} m/s² for {t} s. Find the distance covered[ for {girl}'s {bookname}|].",
            "{boy} lets {body} start from rest on a slope [in {town}|near the {place}]; its acceleration is {acc} m/s². How many metres in {t} seconds?",
            "[A cyclist|A rocket model|A sprinter] from {town} begins at rest with acceleration {acc} m/s². Calculate s after {t} s.",
        ],
        [
            "s = ½ × a × t², because it starts from rest.",
            "t² = {t} × {t} = {tt}, and half of {acc} is {half}.",
            "{half} × {tt} = {s} m.",
        ],
        "{s} m",
        "from rest with steady acceleration the distance grows with the square of the time",
    ),
    "force": wording(
        [
            "{body} of mass {m} kg [gets|has] an acceleration of {acc} m/s². [What force acts on it?|Find the force.]",
            "How much force must {boy} apply to give {body} ({m} kg) an acceleration of {acc} m/s²?",
            "[In {town}|At the {place}], {girl} pushes {body} of {m} kg so that it speeds up at {acc} m/s². Ignore friction. What is the force?",
            "Use Newton's second law: mass {m} kg, acceleration {acc} m/s²[, {body}|, as in {girl}'s {bookname}|]. Find F.",
        ],
        ["F = m × a (Newton's second law).", "{m} × {acc} = {F} N."],
        "{F} N",
        "force is mass times acceleration, by Newton's second law",
    ),
    "momentum": wording(
        [
            "Find the momentum of {body} of mass {m} kg moving at {v} m/s [in {town}|].",
            "{boy} sees {body} ({m} kg) [go past|roll by] at {v} m/s near the {place}. What is its momentum?",
            "What is the momentum if {body} has mass {m} kg and velocity {v} m/s[, asks {girl}|; my {bookname} wants the unit too|]?",
            "A [goat|dog|calf|child] of {m} kg runs at {v} m/s [towards {market}|across the {place}]. Calculate its momentum.",
        ],
        ["Momentum p = m × v.", "{m} × {v} = {p} kg m/s."],
        "{p} kg m/s",
        "momentum is mass times velocity",
    ),
    "weight": wording(
        [
            "What is the weight of {thing} with mass {m} kg[ in {town}|]? Take g = 10 m/s².",
            "{girl} hangs {thing} of {m} kg on a [spring balance|hook|rope] (g = 10 m/s²). What force in newtons does it pull with?",
            "The mass of {thing} is {m} kg. [Find|Calculate] its weight on the earth with g = 10 m/s²[ for {boy}|].",
        ],
        ["Weight W = m × g.", "{m} × 10 = {W} N."],
        "{W} N",
        "weight is the pull of the earth on a mass, m times g",
    ),
    "work_done": wording(
        [
            "{boy} pushes {body} with {F} N over {s} m [along the {place}|in {town}|]. How much work is done?",
            "A force of {F} N moves {thing} through {s} m in its own direction. [Find the work|Calculate the work done][ by {girl}|].",
            "{girl} [drags|pulls] {thing} for {s} m with a steady force of {F} N. What work does she do?",
            "How many joules are needed to push {body} {s} m [across the {place}|to {market}] against {F} N of friction?",
        ],
        ["Work = force × distance.", "{F} × {s} = {W} J."],
        "{W} J",
        "work is force times the distance moved in the direction of the force",
    ),
    "kinetic_energy": wording(
        [
            "{body} of mass {m} kg moves at {v} m/s [in {town}|]. [Find its kinetic energy.|What is its kinetic energy?]",
            "How much is the kinetic energy of a [calf|rider|cart|barrel] of {m} kg going {v} m/s [past the {place}|on a road in {town}]?",
            "{girl} notes m = {m} kg and v = {v} m/s for {body}. What kinetic energy should she write?",
        ],
        ["KE = ½ × m × v².", "v² = {v} × {v} = {vv}, and half of {m} is {half}.", "{half} × {vv} = {E} J."],
        "{E} J",
        "kinetic energy is half the mass times the square of the speed",
    ),
    "potential_energy": wording(
        [
            "A pulley at {girl}'s school lifts {thing} of {m} kg to a height of {h} m (g = 10 m/s²). [Find its potential energy.|What energy does it gain?]",
            "How much potential energy has {thing} of mass {m} kg on a [roof|shelf|tower|wall] {h} m high in {town}? Use g = 10 m/s².",
            "A crane in {town} raises {thing}, {m} kg, by {h} m. With g = 10 m/s², what is the gain in potential energy?",
        ],
        ["PE = m × g × h.", "{m} × 10 = {W} N.", "{W} × {h} = {E} J."],
        "{E} J",
        "lifting against gravity stores the energy m × g × h",
    ),
    "pressure": wording(
        [
            "{thing} presses with {F} N on {A} m² of floor [in the {place}|]. What is the pressure?",
            "A force of {F} N acts evenly on an area of {A} m² [under {body}|of a tank in {town}|]. [Find|Calculate] the pressure[ for {girl}|].",
            "{boy}'s {elder} places {body} weighing {F} N on a board of {A} m². What pressure does the ground in {town} feel?",
        ],
        ["Pressure = force ÷ area.", "{F} ÷ {A} = {P} Pa."],
        "{P} Pa",
        "pressure is the force on each square metre",
    ),
    "ohm_current": wording(
        [
            "A {device} of resistance {R} Ω is connected to {V} V. [What current flows?|Find the current.]",
            "{girl} joins a resistor of {R} Ω to a [supply|battery] of {V} V in the {town} science lab. Calculate the current.",
            "By Ohm's law, what is the current through a {device} with R = {R} Ω and V = {V} V[ in {boy}'s circuit|]?",
            "The {device} in {boy}'s [project|model house|kit] has {R} Ω and gets {V} V. How many amperes pass through it?",
        ],
        ["Ohm's law: I = V ÷ R.", "{V} ÷ {R} = {I} A."],
        "{I} A",
        "by Ohm's law the current is the voltage divided by the resistance",
    ),
    "series": wording(
        [
            "Two resistors of {R1} Ω and {R2} Ω are in series with a battery of {V} V. What current flows[ in {girl}'s circuit|; {Who} wants to know|]?",
            "{boy} connects a {device} of {R1} Ω and one of {R2} Ω in series to {V} V [in {town}|]. Calculate the current.",
            "In a series circuit R1 = {R1} Ω, R2 = {R2} Ω and V = {V} V. What does {girl}'s ammeter show?",
        ],
        ["In series resistances add: {R1} + {R2} = {R} Ω.", "I = V ÷ R: {V} ÷ {R} = {I} A."],
        "{I} A",
        "in series the same current passes both resistors, so their resistances add",
    ),
    "energy_units": wording(
        [
            "A {appliance} of {watts} W runs {hours} hours a day in {girl}'s house. How many units (kWh) does it use in {days} days?",
            "[In a shop in {town}|At the hostel|In {boy}'s room] a {appliance} of {watts} W works {hours} h daily. Find the units used in {days} days.",
            "{boy}'s {elder} uses a {appliance} of {watts} W for {hours} h every day. What is the energy in kWh over {days} days?",
        ],
        ["Daily energy: {watts} × {hours} = {wh} Wh.", "{wh} ÷ 1000 = {daily} kWh.", "{daily} × {days} = {units} kWh."],
        "{units} kWh",
        "one unit of electricity is one kilowatt-hour, so we multiply kilowatts by hours",
    ),
    "electric_power": wording(
        [
            "A {device} draws {I} A from a supply of {V} V [in {town}|]. [What is its power?|Find its power.]",
            "{girl}'s {device} works on {V} V and takes {I} A. How many watts is it?",
            "Calculate the electric power when {I} A flows through a {device} at {V} V[ in {boy}'s {place}|, as in my {bookname}|].",
        ],
        ["P = V × I.", "{V} × {I} = {P} W."],
        "{P} W",
        "electric power is voltage times current",
    ),
    "wave_speed": wording(
        [
            "A wave has frequency {f} Hz and wavelength {w} m. What is its speed[, asks {girl}|; it is in my {bookname}|]?",
            "[A string of a veena|A rope shaken by {boy}|A ripple tank in {town}|A sitar string] makes waves of {f} Hz with wavelength {w} m. How fast do they travel?",
            "In {girl}'s {bookname} a [sound|water|rope] wave has λ = {w} m and f = {f} Hz. Calculate v.",
        ],
        ["v = f × λ.", "{f} × {w} = {v} m/s."],
        "{v} m/s",
        "in one second f waves pass, each one wavelength long",
    ),
    "echo": wording(
        [
            "{girl} claps [near a cliff|before a fort wall|in a valley] close to {town} and hears the echo after {t} s. Sound travels at 340 m/s. How far is the wall?",
            "A ship off {port} [blows its horn|sounds a siren|fires a signal gun] (340 m/s) and the crew with {girl} hears a cliff answer after {t} s. Find the distance of the cliff.",
            "{boy} shouts towards a [hill|dam|tall building] [in {town}|on a school trip|near the {place}] and the echo comes {t} s later. With 340 m/s, how far away is it?",
        ],
        ["Way there and back: 340 × {t} = {way} m.", "One way: {way} ÷ 2 = {d} m."],
        "{d} m",
        "the echo travels there and back, so we halve the distance",
    ),
}
