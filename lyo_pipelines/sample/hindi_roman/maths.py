"""Romanised Hindi wording of maths and physics, as students type it on a phone."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.voice import wording

WORDINGS = {
    "shopping": wording(
        [
            "{girl} ne {market} se {n} {thing_m} kharide, ek ka daam ₹{price}. Usne ₹{paid} diye, kitne [paise|rupaye] wapas milenge?",
            "{town} mein {fruit} ₹{price} kilo hain. {boy} ne {n} kilo liye aur ₹{paid} diye. Kitna [wapas aayega|bachega]?",
            "{festival} ke liye {boy} ne ₹{price} wale {n} {thing_m} liye aur dukaandaar ko ₹{paid} diye. Baaki kitne [milenge|aayenge]?",
        ],
        ["Kul daam: {n} × {price} = ₹{total}.", "Wapasi: {paid} − {total} = ₹{change}."],
        "₹{change}",
        "pehle guna karke kul daam nikaalte hain, phir diye hue paise mein se ghataate hain",
    ),
    "discount": wording(
        [
            "{town} mein ek {dear} ka daam ₹{marked} likha hai aur {rate}% chhoot hai. [{girl} ko|Mujhe] kitna dena hoga?",
            "{festival} sale mein ₹{marked} ke {dear} par {rate}% discount mila. {boy} ne kitne rupaye diye?",
        ],
        ["Chhoot: {marked} × {rate} ÷ 100 = ₹{saved}.", "Dena hai: {marked} − {saved} = ₹{pay}."],
        "₹{pay}",
        "chhoot likhe hue daam ka pratishat hoti hai, use nikaalkar ghataate hain",
    ),
    "marks_percent": wording(
        [
            "{girl} ko {subjectname} mein {total} mein se {got} number mile. [Kitne percent hue.|Percentage nikaalo please.]",
            "{boy} ke {town} wale test mein {got} aaye, total {total} the. Kitne pratishat hue?",
        ],
        ["Bhinn likhiye: {got}/{total}.", "100 se guna: {got} × 100 ÷ {total} = {percent}."],
        "{percent}%",
        "pratishat ka matlab hai sau mein se kitne",
    ),
    "profit_percent": wording(
        [
            "{boy} ne ek {dear} ₹{cost} mein khareeda aur {market} mein ₹{selling} mein bech diya. Profit percent kitna hua?",
            "{town} ke ek dukaandaar ka kharch ₹{cost} tha aur bikri ₹{selling} ki hui. Laabh pratishat [batao|nikaalna hai, {girl} pooch rahi hai].",
        ],
        ["Laabh: {selling} − {cost} = ₹{profit}.", "Laabh pratishat: {profit} × 100 ÷ {cost} = {percent}."],
        "{percent}%",
        "laabh pratishat hamesha kharid daam par nikaalte hain",
    ),
    "simple_interest": wording(
        [
            "{girl} ne {town} ke bank mein ₹{P} jama kiye, {R}% saalana saadhaaran byaaj par, {T} saal ke liye. Byaaj kitna [milega|banega]?",
            "{boy} ke papa ne {dear} ke liye ₹{P} udhaar liye. Rate {R}% aur samay {T} saal hai. Simple interest kitna hoga?",
        ],
        ["Byaaj = mooldhan × dar × samay ÷ 100.", "{P} × {R} × {T} = {product}.", "{product} ÷ 100 = ₹{interest}."],
        "₹{interest}",
        "saadhaaran byaaj har saal sirf mooldhan par lagta hai",
    ),
    "ratio_share": wording(
        [
            "{girl} aur {boy} ne ₹{total} ko {m}:{n} ke anupaat mein baanta. {girl} ka hissa kitna hai?",
            "{festival} par {total} laddoo {girl} aur {boy} mein {m}:{n} ratio mein baantne hain. {girl} ko kitne milenge?",
        ],
        [
            "Kul bhaag: {m} + {n} = {parts}.",
            "Ek bhaag: {total} ÷ {parts} = {one}.",
            "{m} bhaag: {one} × {m} = {larger}.",
        ],
        "{larger}",
        "anupaat ke bhaag jodkar ek bhaag ka maan nikaalte hain, phir guna karte hain",
    ),
    "mean": wording(
        [
            "{boy} ne paanch match mein {list} run banaye. Average kitna [hai|hua]?",
            "{girl} ke paanch test ke number {list} hain. Ausat [kaise nikaalen?|batao please.] [{town} mein exam hai.|]",
        ],
        ["Sabko jodiye: {sum_text} = {sum}.", "5 se bhaag: {sum} ÷ 5 = {mean}."],
        "{mean}",
        "ausat ke liye sab jodkar ginti se bhaag dete hain",
    ),
    "travel_time": wording(
        [
            "{town} se {town2} {distance} km door hai. {boy} ki speed {speed} km/h hai. Kitne ghante lagenge?",
            "Ek [bus|train|gaadi] {speed} km/h ki chaal se {distance} km jaati hai, {town} tak. Samay kitna lagega? {girl} ko jaanna hai.",
        ],
        ["Samay = doori ÷ chaal.", "{distance} ÷ {speed} = {hours} ghante."],
        "{hours} ghante",
        "chaal batati hai ki ek ghante mein kitni doori tay hoti hai",
    ),
    "linear": wording(
        [
            "{a}x + {b} = {c} ko solve [karna hai.|kaise karte hain?] [{girl} ko samajh nahi aaya.|Yeh {bookname} mein hai.|{boy} ka answer alag hai.]",
            "{girl} ne ek sankhya ko {a} se guna kiya aur {b} joda to {c} aaya. Woh sankhya kya thi?",
            "{town} mein auto ka shuru ka kiraya ₹{b} aur phir ₹{a} per km hai. {boy} ne ₹{c} diye, woh kitne km gaya?",
        ],
        [
            "Sameekaran: {a}x + {b} = {c}.",
            "{b} ghataiye: {a}x = {c} − {b} = {ax}.",
            "{a} se bhaag: x = {ax} ÷ {a} = {x}.",
        ],
        "{x}",
        "sameekaran ke ek paksh par jo karte hain wahi doosre par bhi karte hain",
    ),
    "third_angle": wording(
        [
            "Ek tribhuj ke do kon {a}° aur {b}° hain, teesra kon [kitna hai?|batao.] [{boy} pooch raha hai.|{girl} ko rangoli banani hai.|Yeh {bookname} mein hai.]",
        ],
        ["Tribhuj ke teenon konon ka jod 180° hota hai.", "{a} + {b} = {ab}.", "180 − {ab} = {c}."],
        "{c}°",
        "har tribhuj ke teenon konon ka jod 180° hota hai",
    ),
    "nth_term": wording(
        [
            "AP {start}, … ka {n}va pad kya hoga? [{girl} ko nahi aata.|Yeh {bookname} mein hai.|{boy} ka answer alag aaya.]",
            "{girl} pehle hafte ₹{a} aur phir har hafte ₹{d} zyada bachati hai. {n}ve hafte mein kitne rupaye bachayegi?",
        ],
        ["Pehla pad {a}, antar {d}.", "{n}va pad = {a} + {n1} × {d} = {a} + {n1d}.", "{a} + {n1d} = {term}."],
        "{term}",
        "n-ve pad tak antar n − 1 baar judta hai",
    ),
    "rectangle_fence": wording(
        [
            "{boy} ka {place} {l} m lamba aur {b} m chauda hai. ₹{rate} per metre se baad lagane ka kharch kitna hoga?",
            "{town} mein {l} m × {b} m ke {place} ke chaaron taraf taar lagana hai, ₹{rate} metre. {girl} ko kitna dena padega?",
        ],
        ["Parimaap: 2 × ({l} + {b}) = 2 × {lb} = {around} m.", "Kharch: {around} × {rate} = ₹{cost}."],
        "₹{cost}",
        "baad chaaron taraf lagti hai, isliye parimaap chahiye",
    ),
    "average_speed": wording(
        [
            "{boy} ne {town} ki race mein {s} m {t} second mein daude. Average speed kya hai?",
            "{girl} ne cycle se {t} second mein {s} metre tay kiye. Ausat chaal [batao please|nikaalni hai].",
        ],
        ["Ausat chaal = doori ÷ samay.", "{s} ÷ {t} = {v} m/s."],
        "{v} m/s",
        "chaal ek second mein tay ki gayi doori hai",
    ),
    "force": wording(
        [
            "{m} kg ke saamaan ko {acc} m/s² ka tvaran dene ke liye {boy} ko kitna bal lagana hoga? [{town} ke exam mein aaya tha.|]",
            "{girl} pooch rahi hai: mass {m} kg aur acceleration {acc} m/s² ho to force [kitna hai|kya hoga]? [Yeh {bookname} mein hai.|]",
        ],
        ["F = m × a (Newton ka doosra niyam).", "{m} × {acc} = {F} N."],
        "{F} N",
        "Newton ke doosre niyam se bal dravyamaan aur tvaran ka gunanfal hai",
    ),
    "ohm_current": wording(
        [
            "{R} Ω ka {device} {V} V se joda. Current kitna [bahega|hoga]? [{girl} ko lab mein chahiye.|]",
            "{boy} ne {town} ki lab mein {R} ohm ka resistor {V} volt ki battery se joda. Dhaara kitni hogi?",
        ],
        ["Ohm ka niyam: I = V ÷ R.", "{V} ÷ {R} = {I} A."],
        "{I} A",
        "Ohm ke niyam se dhaara vibhav ko pratirodh se bhaag dene par milti hai",
    ),
    "work_done": wording(
        [
            "{boy} ne {town} mein ek thele ko {F} N bal se {s} m dhakela. Kitna kaarya hua?",
            "{girl} ne {F} N lagakar dabbe ko {s} metre khiskaya. Work [kitna hua?|nikaalna hai please.]",
        ],
        ["Kaarya = bal × doori.", "{F} × {s} = {W} J."],
        "{W} J",
        "kaarya bal aur bal ki disha mein chali doori ka gunanfal hai",
    ),
}
