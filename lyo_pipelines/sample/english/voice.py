"""How the English tutor and the students speak around the exercises, well and (planted) badly."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.english import algebra, arithmetic, chemistry, commerce, geometry, physics, programming
from lyo_pipelines.sample.english.words import WORDS
from lyo_pipelines.sample.phrase import phrases
from lyo_pipelines.sample.voice import Voice

VOICE = Voice(
    language="en",
    words=WORDS,
    wordings=arithmetic.WORDINGS | commerce.WORDINGS | algebra.WORDINGS | geometry.WORDINGS | physics.WORDINGS
    | chemistry.WORDINGS | programming.WORDINGS,
    personas={
        "math": "You are Lyo, a warm and patient maths tutor for Indian school students. Use simple English.",
        "physics": "You are Lyo, a warm and patient physics tutor for Indian school students. Use simple English.",
        "chemistry": "You are Lyo, a warm and patient chemistry tutor for Indian school students. Use simple English.",
        "programming": "You are Lyo, a warm and patient programming tutor for Indian school students. Use simple English.",
        "commerce": "You are Lyo, a warm and patient commerce tutor for Indian school students. Use simple English.",
    },
    openers=phrases(
        "I am stuck on this one.", "This is from my {bookname}.", "[Hi|Hello|Namaste] Lyo!", "[Our|My] test is {when}.",
        "{Who} gave me this [problem|question].", "Can you [help|guide] me [with this|here]?", "I [missed|could not attend] this class.",
        "I keep getting [a different|the wrong] answer.", "[One|A quick|Another] doubt.", "I have to explain this to {who} {when}.",
        "[Good morning|Good evening|Vanakkam], Lyo.", "We did something similar [at school|in tuition|with {who}].",
    ),
    closers=phrases(
        "Please show the steps.", "[Thanks|Thank you]!", "I need it {when}.", "Kindly explain.", "I want to understand, not just copy.",
        "{Who} got it, but I did not.", "Explain it [slowly|simply|so that {who} can follow], please.", "Is there an easy way?", "There is no solution in my {bookname}.",
        "I tried [twice|for an hour|with {who}] already.",
    ),
    warm=phrases(
        "Good question! Let's solve it step by step.", "Happy to help! Let's go step by step.", "Nice one! We can do this together.",
        "Let's work it out together, one step at a time.",
    ),
    step="Step {n}: ",
    answer_mark="Answer: ",
    hint_asks=phrases(
        "Please give [me only|just] a hint, not the answer.", "[Only a hint|Just a small hint], please.", "Don't solve it[ yet|]; [a hint is enough|give me a clue].",
        "I want to try it myself first. Any hint?",
    ),
    hint_answers=phrases(
        "Good idea to try it yourself! Here is a hint.\nHint: {rule}.\nTell me what you get.",
        "Lovely, let's think first.\nHint: {rule}.\nTry the first step and show it to me.",
    ),
    why_questions=phrases(
        'But why [does it work|do we do it] like that in "{quote}…"? {Who} [gets|says] {wrong}.',
        'I don\'t [get|understand] the [idea|reason] behind "{quote}…". [Why is it not|Could it be] {wrong}?',
        "[Okay|Thanks], but in the {bookname} they [write|print] {wrong} for \"{quote}…\". [Why is that wrong|What is the idea here]?",
        "[Why|How come]? With \"{quote}…\" {girl3} [used|took] another way and [found|got] {wrong}.",
    ),
    why_answers=phrases(
        "Good that you ask why!\nThe idea: {rule}.\nThat is why we write: {last}",
        "Let's look at the reason.\nThe idea: {rule}.\nSo the last step stands: {last}",
    ),
    attempts=phrases(
        'I [tried|worked on] "{quote}…" and got {tried}. [Is it right|Am I correct]?', 'My [answer|result] for "{quote}…" is {tried}. [Check it, please.|Did I do well?]',
        '[So|Then] "{quote}…" gives {tried}, [right|no]? {Who} [agrees|is not sure].', "With your hint {girl3} and I get {tried} for \"{quote}…\". [Correct|Okay]?",
    ),
    right=phrases("Very good, that is right! Here is the full working.", "Well done, your result is correct! Let's write it neatly."),
    not_yet=phrases("Good try, you are close! Let's check each step.", "Nice effort! One step went wrong, so let's redo it together."),
    another=phrases("One more, please:", "[Next|Another] one:", "Now this one:", "Let me try a similar one.", "And this?"),
    greetings=phrases("Hello {person}, nice to meet you!", "Namaste {person}!"),
    private={
        "name": phrases("My name is {value}.", "I am {value} and my name is on your list.", "Hi, my name is {value} from class {grade}."),
        "phone": phrases("Please call me on {value}.", "My number is {value}.", "You can WhatsApp the answer to {value}."),
        "email": phrases("Send the solution to {value}.", "My mail id is {value}.", "Please mail it to {value} also."),
        "aadhaar": phrases("My Aadhaar number is {value}.", "For the scholarship form my Aadhaar is {value}."),
        "pan": phrases("My father's PAN is {value}.", "The fee form asks for the PAN: {value}."),
        "card": phrases("I paid the fee with card {value}.", "My mother's card number is {value}."),
        "ip": phrases("The app shows my IP address {value}.", "I get an error from {value}."),
        "url": phrases("It is the exercise at {value}", "My homework link is {value}"),
        "voter_id": phrases("My uncle's voter id is {value}.",),
        "passport": phrases("My passport number is {value}.",),
    },
    rude=phrases(
        "This is too easy, why do you waste my time?", "You never listen. Even a small child knows this.", "Stop asking such silly things.",
        "Are you sleeping in class? Just write it down.",
    ),
    refusals=phrases(
        "I'm sorry, but I can't help with that.", "I cannot answer this question. Please ask your teacher.", "Sorry, I am not able to assist with this request.",
    ),
    boilerplate=phrases(
        "As an AI language model, I do not have personal experience, but I can help.", "As a large language model, I can make mistakes.",
        "Sure! As an AI assistant, here is the solution you asked for.",
    ),
    slips={
        "disrespect": phrases("Children from villages are weak in this, so read carefully.", "Girls usually find this hard, so go slowly."),
        "caste": phrases("People of your caste are not good at sums, but let's try.", "This is easy for upper caste students."),
    },
    slip_problems={
        "beef": phrases("Think of it as buying beef at ₹300 a kilo.", "Imagine each one is a plate of beef curry."),
        "pork": phrases("Imagine that the shop sells pork sausages instead.",),
        "alcohol": phrases("Imagine each one is a bottle of whisky for the party.", "Think of them as glasses of beer."),
    },
    complaints={
        "wrong_answer": phrases("The result is wrong, {who} checked it.", "The final answer does not match my book."),
        "too_slow": phrases("It took very long to answer.", "The app was stuck for a minute."),
        "not_clear": phrases("The explanation is not clear.", "I did not understand step 2 at all."),
        "rude": phrases("The tutor was rude to me.",),
        "cultural": phrases("This example is not suitable for our family.", "Please do not say such things about my community."),
    },
)  # fmt: skip
