"""Names, places and things of the English exercises, all from Indian life."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

WORDS = {
    "girl": (
        "Meena", "Ananya", "Kavya", "Fatima", "Lakshmi", "Divya", "Sneha", "Pooja", "Riya", "Nandini", "Aisha", "Gurpreet", "Mary",
        "Shalini", "Ishita", "Tara", "Bhavna", "Revathi", "Zoya", "Harini", "Madhuri", "Swati", "Deepika", "Nila", "Jaspreet", "Rukmini",
        "Sanjana", "Anjali", "Priya", "Yamini", "Charu", "Mitali", "Teresa", "Sahana", "Vidya", "Aditi",
    ),
    "boy": (
        "Arjun", "Ravi", "Karthik", "Imran", "Rohan", "Suresh", "Vikram", "Joseph", "Harpreet", "Aman", "Dev", "Manoj", "Farhan", "Nikhil",
        "Siddharth", "Gopal", "Murugan", "Thomas", "Yusuf", "Rahul", "Anil", "Varun", "Balaji", "Prakash", "Kabir", "Jatin", "Sameer",
        "Senthil", "Ashok", "Dinesh", "Lokesh", "Naveen", "Omkar", "Tarun", "Uday", "Zubin",
    ),
    "surname": (
        "Sharma", "Iyer", "Khan", "Nair", "Patel", "Reddy", "Das", "Singh", "Fernandes", "Pillai", "Gupta", "Joshi", "Bose", "Naidu", "Menon",
    ),
    "elder": ("mother", "father", "aunt", "uncle", "grandfather", "grandmother", "music teacher", "neighbour"),
    "town": (
        "Pune", "Madurai", "Jaipur", "Kochi", "Patna", "Nagpur", "Mysuru", "Surat", "Guwahati", "Lucknow", "Indore", "Coimbatore", "Bhopal",
        "Varanasi", "Ranchi", "Shimla", "Vellore", "Nashik", "Kanpur", "Udaipur", "Thrissur", "Cuttack", "Amritsar", "Salem", "Hubballi",
        "Warangal", "Dehradun", "Kolkata", "Chennai", "Thanjavur", "Ajmer", "Gaya", "Imphal", "Panaji", "Bikaner", "Tirupati",
    ),
    "port": ("Kochi", "Chennai", "Mumbai", "Visakhapatnam", "Mangaluru", "Panaji", "Kanyakumari", "Puducherry", "Thoothukudi", "Puri", "Kandla"),
    "fruit": ("mangoes", "oranges", "guavas", "bananas", "apples", "lemons", "pomegranates", "coconuts", "papayas", "custard apples"),
    "sweet": ("laddoos", "jalebis", "barfis", "gulab jamuns", "pedas", "rasgullas", "kaju katlis", "mysore paks", "sandeshes"),
    "item": (
        "notebooks", "pencils", "pens", "erasers", "geometry boxes", "sketch pens", "kites", "clay lamps", "marigold garlands", "bangles",
        "cricket balls", "paper lanterns", "water bottles", "steel tumblers", "rakhis", "storybooks", "sparkler packets", "cotton bags",
    ),
    "dear": (
        "a school bag", "a pair of sports shoes", "a silk saree", "a cricket bat", "a pressure cooker", "a table fan", "a raincoat",
        "a bicycle helmet", "a wall clock", "a football", "a kurta", "a study lamp", "a tabla", "a carrom board", "a wrist watch",
        "a badminton racket", "a mixer grinder", "a bookshelf", "a veena stand", "a woollen shawl",
    ),
    "seller": (
        "fruit seller", "shopkeeper", "stall owner", "trader", "potter", "book seller", "weaver", "toy maker", "bicycle dealer",
        "furniture maker", "handicraft seller", "cloth merchant", "flower seller", "utensil seller",
    ),
    "market": (
        "the weekly market", "the station bazaar", "the temple street", "the school fair", "the village haat", "the Diwali mela",
        "the book fair", "the corner shop", "the co-operative store", "the harvest fair", "the Pongal market", "the college canteen",
    ),
    "festival": ("Diwali", "Pongal", "Eid", "Onam", "Holi", "Christmas", "Bihu", "Durga Puja", "Baisakhi", "Ganesh Chaturthi", "Navratri"),
    "vehicle": ("an auto-rickshaw", "a bus", "a passenger train", "a milk van", "a school van", "a tempo", "a jeep", "a goods train", "a taxi"),
    "place": (
        "school garden", "temple tank", "playground", "vegetable plot", "community hall", "bus shelter", "courtyard", "rice field",
        "library hall", "science lab", "kitchen garden", "dance stage", "cattle shed", "reading room", "village pond", "prayer hall",
    ),
    "group": ("class", "cricket team", "kabaddi club", "school choir", "scout troop", "science club", "hostel wing", "chess club", "NCC unit"),
    "counted": ("runs", "marks", "points", "pages read", "sit-ups", "saplings planted", "minutes of practice", "books sold", "kites flown"),
    "subjectname": ("maths", "science", "social science", "English", "Hindi", "computer science", "Sanskrit", "geography", "history"),
    "bag": ("bag", "box", "basket", "clay pot", "jar", "cloth pouch", "drawer", "tin"),
    "ball": ("marbles", "beads", "tickets", "buttons", "bangles", "ribbons", "cards", "balls", "counters", "sweets"),
    "box": ("a shoe box", "a fish tank", "a lunch box", "a wooden crate", "a gift box", "a steel trunk", "a brick mould", "an ice tray", "a tea tin"),
    "wheel": ("a bicycle wheel", "a bullock-cart wheel", "a toy wheel", "a pottery wheel", "a scooter wheel", "a giant hoop", "a pulley"),
    "body": (
        "a cart", "a trolley", "a toy car", "a scooter", "a loaded rickshaw", "a wooden block", "a sledge", "a boat", "a suitcase on wheels",
        "a wheelbarrow", "a stone slab", "a skateboard", "a steel ball", "a bullock cart", "a crate of mangoes", "a school desk",
    ),
    "thing": (
        "a bag of rice", "a cricket kit", "a gas cylinder", "a school bell", "a sack of onions", "a water drum", "a bronze lamp", "a coil of rope",
        "a bundle of newspapers", "a box of tiles", "a flower pot", "a stack of books", "a coconut basket", "a sewing machine",
    ),
    "appliance": ("fan", "heater", "television", "water pump", "refrigerator", "clothes iron", "mixer", "room cooler", "desktop computer", "geyser"),
    "device": ("bulb", "toy motor", "heater coil", "small fan", "buzzer", "toaster", "soldering iron", "street lamp", "kettle", "radio"),
    "liquid": ("oil", "milk", "glycerine", "honey", "an unknown liquid", "sugar syrup", "brine", "kerosene", "paint", "coconut oil"),
    "solid": (
        "a metal cube", "a brass key", "a small bell", "a medal", "a bracelet", "a door handle", "a machine part", "a paperweight", "a temple lamp",
        "a metal plate",
    ),
    "solute_name": ("salt", "sugar", "glucose", "washing soda", "alum", "baking soda", "urea", "copper sulphate"),
    "worker": ("painters", "masons", "weavers", "gardeners", "tailors", "carpenters", "typists", "potters", "electricians"),
    "job": (
        "paint a wall", "stitch the costumes", "build a fence", "plough a field", "weave a carpet", "tile a courtyard", "whitewash a house",
        "decorate the stage", "repair the boat", "type a book", "dig a well", "fold the boxes", "clean the tank", "make the lanterns",
    ),
    "usage": ("GB", "ride", "session", "film", "lesson", "game"),
    "bookname": ("NCERT book", "worksheet", "class test", "old question paper", "tuition notes", "revision sheet", "holiday homework", "model paper"),
    "when": ("tomorrow", "on Monday", "next week", "after Diwali", "this Friday", "in two days", "on Saturday", "before the half-yearly"),
    "Who": (
        "My sister", "My teacher", "My cousin", "My friend", "My brother", "My tuition sir", "My grandfather", "My bench partner", "My mother",
    ),
    "who": ("my sister", "my teacher", "my cousin", "my friend", "my brother", "my tuition sir", "my grandfather", "my partner", "my mother"),
}  # fmt: skip
