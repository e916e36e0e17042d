"""Questions about a scene and their answers, in English and a little Chinese."""

from scenes import COLOURS, SHAPES, SIZES

NUMBERS = ["zero", "one", "two", "three", "four"]
ZH_NUMBERS = ["零", "一", "两", "三", "四"]
ZH_SHAPES = {"circle": "圆形", "square": "正方形", "triangle": "三角形", "star": "星形"}
ZH_COLOURS = {"red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "blue": "蓝色",
              "purple": "紫色", "black": "黑色", "white": "白色", "gray": "灰色"}
ZH_SIZES = {"small": "小", "large": "大"}
ZH_PLACES = {"top left": "左上", "top": "上方", "top right": "右上", "left": "左边",
             "center": "中间", "right": "右边", "bottom left": "左下", "bottom": "下方",
             "bottom right": "右下"}

REFUSAL = "I can only describe simple shapes."
ZH_REFUSAL = "我只能描述简单的图形。"
NO_PICTURE = "Please show me a picture of simple shapes."

CAPTION = [
    "Describe the image.", "What is in the picture?", "Describe this picture.", "What do you see?",
    "Describe this image.", "Describe the picture.", "What is in the image?",
    "What is shown in the picture?", "What does the image show?", "Please describe the image.",
    "What can you see in this picture?", "Describe the scene.", "Tell me what you see.",
    "What is in this image?", "Write a caption.", "What's in the picture?",
    "Describe this image in detail.", "What is this?", "What is this a picture of?",
    "Can you describe the image?", "What is on the picture?", "Caption this image.",
]
COUNT = ["How many shapes are there?", "How many shapes are in the picture?",
         "How many shapes do you see?", "Count the shapes.",
         "How many objects are there?", "How many shapes are in the image?",
         "What is the number of shapes?", "How many things are there?"]
BACKGROUND = ["What {color} is the background?", "What is the {color} of the background?",
              "What is the background {color}?", "Which {color} is the background?"]
ZH_CAPTION = ["描述这张图片。", "图中有什么？", "请描述图片。", "你看到了什么？", "图片里有什么？"]
ZH_COUNT = ["图中有几个图形？", "有几个图形？", "有多少个图形？", "图片里有几个图形？"]

OTHER = """What is the weather?|What is the weather like today?|Who are you?|What is your name?
Who is the president?|Tell me a joke.|Write a poem.|What time is it?|What day is it?
Translate this into French.|What is the capital of France?|How old are you?|What does the text say?
Read the text.|Is there a person in the picture?|Is there a dog?|Is there a cat in the image?
How many people are there?|How many cats are there?|How many cars do you see?|What animal is this?
Where was this photo taken?|Who is in the picture?|What is the man doing?|What is the woman wearing?
What brand is the car?|What is two plus two?|What is 2 + 2?|Calculate 17 times 23.|Write some code.
Write a Python function.|Explain quantum physics.|What is the meaning of life?|Do you like music?
Can you sing?|Play a song.|Who painted this?|How much does it cost?|What is the price?
Is it raining?|What season is it?|What food is this?|How do I cook rice?|What is the recipe?
Give me some advice.|Where do you live?|Who made you?|Are you a robot?|Are you human?
What is love?|How far is the moon?|What year is it?|Which team won the game?|Book a flight.
Send an email.|Open the door.|Turn on the light.|What is the temperature?|Is the dog happy?
What emotion does the face show?|How many fingers?|Is this a real photo?|What is the license plate?
Extract the table.|What language is this?|Summarize the document.|What is the total on the receipt?
Is the sky clear?|Is there a tree?|Where is the cat?|What color is the car?|What color is the sky?
What color is her hair?|What colour is the dog?|Where is the man?|Where is the house?
Is the car red?|How big is the house?|What is your favorite color?|Tell me a story.|Hello!|Hi.
Hello, how are you?|Thank you.|Good morning.|Help me.|Why?|What?|Tell me about history.
What is the name of this place?|Which city is this?|Who wrote this book?|What sport is this?
Draw a circle.|Draw a picture.|Make an image of a house.|Can you draw a star?
What did you eat?|Do you speak German?|What is machine learning?|How does a plane fly?
Is this safe to eat?|What medicine is this?|What kind of flower is this?|What is the bird?"""
OTHER = [q for line in OTHER.split("\n") for q in line.split("|")]
_THINGS = """weather news time price name age house dog cat car tree river mountain bird fish phone
computer music movie book game school doctor lawyer teacher king queen baby family friend money bank
train plane ship bridge road city country ocean desert forest flower apple bread cheese coffee tea
water milk sugar salt table chair window door shirt shoe hat watch ring bottle glass knife spoon hand
eye face nose hair football tennis chess guitar piano planet moon sun cloud rain snow storm fire
language grammar history science physics biology chemistry engine battery camera letter number
password email website recipe garden horse cow sheep elephant lion""".split()
_OTHER_FORMS = ["What is the {}?", "Who is the {}?", "Tell me about the {}.", "Where is the {}?",
                "Is there a {}?", "What color is the {}?", "How many {}s are there?",
                "Do you like the {}?", "Write a poem about a {}.", "How does a {} work?",
                "Can you see a {}?", "Explain the {}.", "Why is the {} here?", "How old is the {}?",
                "Is the {} good?", "Is the {} red?", "How big is the {}?", "What is a {}?",
                "When was the {} made?", "Which {} is best?", "Buy a {}.", "I want a {}.",
                "Is the {} on the left or on the right?"]
ZH_OTHER = ["今天天气怎么样？", "你是谁？", "你叫什么名字？", "讲一个笑话。", "现在几点？", "你好！",
            "图中有猫吗？", "这个人是谁？", "法国的首都是哪里？", "写一首诗。", "谢谢。", "狗在哪里？",
            "汽车是什么颜色？", "一加一等于几？", "你会唱歌吗？", "有几个人？"]


def _pick(rng, options):
    return options[rng.integers(len(options))]


def _title(text):
    return text[0].upper() + text[1:]


def caption(scene):
    parts = [f"a {s.size} {s.colour} {s.kind} at the {s.place}" for s in scene.shapes]
    ending = f"on a{'n' if scene.background[0] == 'o' else ''} {scene.background} background."
    if not parts:
        return f"A picture with no shapes, {ending}"
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    plural = "" if len(parts) == 1 else "s"
    return f"A picture with {NUMBERS[len(parts)]} shape{plural}: {listed}, {ending}"


def zh_caption(scene):
    ending = f"背景是{ZH_COLOURS[scene.background]}。"
    if not scene.shapes:
        return f"图中没有图形，{ending}"
    parts = [f"{ZH_PLACES[s.place]}有一个{ZH_SIZES[s.size]}的{ZH_COLOURS[s.colour]}{ZH_SHAPES[s.kind]}"
             for s in scene.shapes]
    return f"图中有{ZH_NUMBERS[len(parts)]}个图形：" + "，".join(parts) + f"，{ending}"


def _references(scene, rng, by=("kind", "colour", "colour kind", "size kind")):
    """A way to point at exactly one shape, such as "red circle": (words, shape) or None."""
    found = []
    for s in scene.shapes:
        for form in by:
            keys = form.split()
            if sum(all(getattr(o, k) == getattr(s, k) for k in keys) for o in scene.shapes) == 1:
                words = " ".join(getattr(s, k) for k in keys)
                found.append((words if "kind" in keys else words + " shape", s))
    return _pick(rng, found) if found else None


def _absent(scene, rng):
    """A shape that is not in the scene, in words."""
    for _ in range(10):
        kind, colour = _pick(rng, SHAPES), _pick(rng, COLOURS)
        if rng.random() < 0.5:
            if all(s.kind != kind for s in scene.shapes):
                return kind
        elif all(s.kind != kind or s.colour != colour for s in scene.shapes):
            return f"{colour} {kind}"
    return None


def _article(words):
    return ("an " if words[0] == "o" else "a ") + words


_WHERE = ["Where is the {}?", "What is the position of the {}?", "Where can I see the {}?",
          "In which part of the picture is the {}?"]
_COLOUR = ["What {color} is the {}?", "What is the {color} of the {}?", "Which {color} is the {}?",
           "What {color} does the {} have?"]
_SIZE = ["Is the {} small or large?", "What size is the {}?", "How big is the {}?",
         "Is the {} large or small?", "What is the size of the {}?"]


def _colour_word(rng, text):
    return text.replace("{color}", "color" if rng.random() < 0.5 else "colour")


def question(rng, scene, kind):
    """One (question, answer) of the given type, or None if the scene allows none."""
    shapes = scene.shapes
    if kind == "caption":
        return (CAPTION[0] if rng.random() < 0.25 else _pick(rng, CAPTION)), caption(scene)
    if kind == "count":
        return _pick(rng, COUNT), _title(NUMBERS[len(shapes)]) + "."
    if kind == "count_by":
        u = rng.random()
        if u < 0.4:
            value = _pick(rng, shapes).kind if shapes and rng.random() < 0.75 else _pick(rng, SHAPES)
            noun, n = value + "s", sum(s.kind == value for s in shapes)
        elif u < 0.8:
            value = _pick(rng, shapes).colour if shapes and rng.random() < 0.75 else _pick(rng, COLOURS)
            noun, n = value + " shapes", sum(s.colour == value for s in shapes)
        else:
            value = _pick(rng, SIZES)
            noun, n = value + " shapes", sum(s.size == value for s in shapes)
        form = _pick(rng, ["How many {} are there?", "How many {} do you see?", "Count the {}.",
                           "How many {} are in the picture?"])
        return form.format(noun), _title(NUMBERS[n]) + "."
    if kind == "colour":
        found = _references(scene, rng, ("kind", "size kind"))
        if found is None:
            return None
        form = _colour_word(rng, _pick(rng, _COLOUR))
        return form.replace("{}", found[0]), _title(found[1].colour) + "."
    if kind == "shape":
        found = _references(scene, rng, ("colour", "size colour"))
        if found is None:
            return None
        words = found[0].removesuffix(" shape")
        form = _pick(rng, ["What is the {} shape?", "Which shape is {}?", "What shape is {}?",
                           "What kind of shape is the {} one?"])
        return form.format(words), f"A {found[1].kind}."
    if kind == "side":
        found = _references(scene, rng)
        if found is None:
            return None
        words, s = found
        across = s.column != 1 and (s.row == 1 or rng.random() < 0.5)
        if across:
            form = _pick(rng, ["Is the {} on the left or on the right?", "Is the {} on the right or on the left?",
                               "Is the {} left or right?", "On which side is the {}, left or right?"])
            return form.format(words), "On the left." if s.column == 0 else "On the right."
        if s.row == 1:
            return None
        form = _pick(rng, ["Is the {} at the top or at the bottom?", "Is the {} at the bottom or at the top?"])
        return form.format(words), "At the top." if s.row == 0 else "At the bottom."
    if kind == "exists":
        u = rng.random()
        if rng.random() < 0.5:
            if not shapes:
                return None
            s, answer = _pick(rng, shapes), "Yes."
            words = s.kind if u < 0.35 else f"{s.colour} {s.kind}" if u < 0.8 else f"{s.colour} shape"
        else:
            words, answer = _absent(scene, rng), "No."
            if u > 0.8:
                colours = [c for c in COLOURS if all(s.colour != c for s in shapes)]
                words = _pick(rng, colours) + " shape"
            if words is None:
                return None
        form = _pick(rng, ["Is there {}?", "Can you see {}?", "Do you see {}?", "Is there {} in the picture?",
                           "Does the picture have {}?"])
        return form.format(_article(words)), answer
    if kind == "check":
        found = _references(scene, rng, ("kind", "size kind"))
        if found is None:
            return None
        words, s = found
        if rng.random() < 0.5:
            return f"Is the {words} {s.colour}?", "Yes."
        others = [o.colour for o in shapes if o.colour != s.colour]
        wrong = _pick(rng, others) if others and rng.random() < 0.5 else _pick(rng, COLOURS)
        return None if wrong == s.colour else (f"Is the {words} {wrong}?", "No.")
    if kind == "size":
        found = _references(scene, rng, ("kind", "colour", "colour kind"))
        if found is None:
            return None
        return _pick(rng, _SIZE).format(found[0]), _title(found[1].size) + "."
    if kind == "where":
        found = _references(scene, rng)
        if found is None:
            return None
        return _pick(rng, _WHERE).format(found[0]), f"At the {found[1].place}."
    if kind == "absent":
        words = _absent(scene, rng)
        if words is None:
            return None
        form = _pick(rng, _WHERE) if rng.random() < 0.4 or " " in words else \
            _colour_word(rng, _pick(rng, _COLOUR)) if rng.random() < 0.6 else _pick(rng, _SIZE)
        return form.replace("{}", words), f"There is no {words}."
    if kind == "background":
        return _colour_word(rng, _pick(rng, BACKGROUND)), _title(scene.background) + "."
    if kind == "zh_caption":
        return _pick(rng, ZH_CAPTION), zh_caption(scene)
    if kind == "zh_count":
        return _pick(rng, ZH_COUNT), ZH_NUMBERS[len(shapes)] + "个。"
    if kind == "zh_colour":
        if rng.random() < 0.2:
            return "背景是什么颜色？", ZH_COLOURS[scene.background] + "。"
        found = _references(scene, rng, ("kind",))
        if found is None:
            return None
        form = _pick(rng, ["{}是什么颜色？", "{}的颜色是什么？"])
        return form.format(ZH_SHAPES[found[1].kind]), ZH_COLOURS[found[1].colour] + "。"
    if kind == "other":
        u = rng.random()
        if u < 0.12:
            return _pick(rng, ZH_OTHER), ZH_REFUSAL
        if u < 0.6:
            return _pick(rng, OTHER), REFUSAL
        return _pick(rng, _OTHER_FORMS).format(_pick(rng, _THINGS)), REFUSAL
    raise ValueError(kind)


# Share of each type among the questions packed behind one image.
KINDS = {
    "caption": 1.3, "count": 0.6, "count_by": 1.6, "colour": 1.8, "shape": 1.8, "side": 1.5,
    "exists": 1.8, "check": 1.2, "size": 1.3, "where": 1.8, "absent": 1.2, "background": 0.3,
    "zh_caption": 0.6, "zh_count": 0.3, "zh_colour": 1.0, "other": 0.4,
}


def as_typed(rng, text):
    """The same question as people type it: sometimes lower case, sometimes no full stop."""
    u = rng.random()
    if u < 0.08:
        text = text[0].lower() + text[1:]
    elif u < 0.12:
        text = text.lower()
    if rng.random() < 0.1:
        text = text.rstrip(".?!。？")
    return text
