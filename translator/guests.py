"""Words by which a language is known even in a line of two words: hola, merci, nicht, não. Pure.

Invariant: no word here is also an English one, however common it is abroad ("die", "comment", "son", "la"): a guest's
greeting may be taken for English, an English line never for a guest's. N-gram statistics cannot give that: they hold
"love u" for Croatian and are unsure of "bonjour". Function words and greetings, as in the oldest way to tell
languages apart (Ingle 1976; Grefenstette 1995), own choice of words.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import regex

WORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": """
            a an the i i'm im me my mine we us our you u ur your yours he him his she her it its it's
            they them their this that that's these those here there am is are r was were be been being
            do does did don't dont doesn't didn't done can can't cant could will won't would should may
            might must have has had not no yes yeah and or but so if of in on at to for from with by
            about as than then because bc when where what what's whats who how why which all any every
            some more most much many very too just only also even still again now today tonight tomorrow
            day night morning time year good great nice bad big new old first last one two hi hello hey
            thanks thank thx please pls sorry ok okay love like want need know think say said see look
            get got go going gonna come make made take give let let's lets up down out off over back
            home people man guy guys girl friend friends everyone everybody song name live music best
            better happy birthday welcome lol omg really never always let's there's i've i'll i'd you're
            we're they're he's she's who's
        """,
        "es": """
            hola gracias adiós buenos buenas buenas días dias noches tardes qué que cómo como está estás
            estoy están soy eres somos es el los las un una unos unas yo tú tu mis mi me te lo le les
            nos de del en al con para por pero porque cuando donde dónde quién muy más bien mucho mucha
            muchos muchas todos toda todas nada siempre nunca también sí no a y o hablo habla hablas
            español chino inglés quiero quieres tengo tiene tienes gusta encanta feliz cumpleaños bonito
            bonita canción amor aquí ahora hasta luego mañana vamos verdad puedo puedes saludos desde
            esta este eso ustedes mi amigos
        """,
        "fr": """
            bonjour bonsoir salut merci beaucoup je j'ai j'aime tu il elle nous vous ils elles est es
            suis sommes êtes sont c'est cest ce cette ça pas ne que qui quoi où pourquoi quand avec pour
            dans mais et ou un une des les le du au aux mon ma ton ta mes tes très trop bien bonne bon
            nuit aime t'aime moi toi oui non va vas vais parle parlez français chinois monde tout tous
            s'il plaît désolé d'accord aussi jour musique chanson bientôt à y de en se sur quel quelle
            anniversaire joyeux comme ici même
        """,
        "de": """
            hallo danke dankeschön bitte guten gute abend nacht ich du er sie wir ihr ist bist sind seid
            nicht kein keine und oder aber auch mit ohne für von zu der das den dem ein eine einen mein
            dein meine deine wie wo wer warum wann ja nein sehr gut schön liebe dich mich mir dir habe
            haben kann kannst können spreche sprichst deutsch chinesisch tschüss wiedersehen alle heute
            noch schon zum geburtstag woher kommst komme geht's aus
        """,
        "pt": """
            olá oi obrigado obrigada bom boa dia noite tarde tudo bem você voce vocês eu não nao sim é
            está estou sou somos muito muita muitos sem para pra por mas porque quando onde quem que
            como os um uma das na em meu minha seu sua amo gosto falo fala português chinês parabéns
            aniversário gente aqui agora também o a e
        """,
        "it": """
            ciao grazie prego buongiorno buonasera buona buon notte sera giorno io tu lui lei noi voi
            sono sei è siamo che cosa perché chi sì non con senza per molto molta bene tutto tutti il
            gli le un una del della dei mio mia ti amo parlo parla italiano cinese bello bellissimo
            bellissima questa questo anche sempre quanto come stai sta va buon compleanno e di a vi
        """,
        "nl": """
            hallo hoi bedankt goedemorgen goedenavond ik jij je hij wij jullie zijn niet geen een het de
            voor maar ook waar wie waarom heel goed mooi wel en spreek nederlands jou hou
        """,
        "pl": """
            cześć czesc dzień dobry dziękuję dziekuje tak nie jestem jest jak się sie masz dobranoc
            proszę przepraszam bardzo piękne mówię po kocham cię i w z na
        """,
        "tr": """
            merhaba selam teşekkürler tesekkurler teşekkür ederim nasılsın nasilsin evet hayır çok güzel
            bir için seni seviyorum günaydın değil ve ne var yok
        """,
        "id": """
            terima kasih selamat pagi malam siang apa kabar saya aku kamu tidak bukan yang ini itu dari
            dengan untuk sangat bagus cinta tolong siapa kenapa semua bisa bahasa
        """,
        "sv": """
            hej jag är inte och det att en ett du vi på med för så natt älskar hur mår
        """,
        "vi": """
            xin chào cảm ơn bạn tôi không có là gì được rất đẹp yêu anh em mọi người các
        """,
    }.items()
}
"""Words that other languages have too ("no", "un") are listed under each of them, and cancel out."""

_LOANS: Final = frozenset(
    regex.findall(
        r"\S+",
        """
    café cafés cliché clichés naïve résumé fiancé fiancée déjà piñata jalapeño crème brûlée façade
    touché beyoncé pokémon rosé sauté purée entrée matinée señor señorita soufflé à la vis-à-vis
    décor élite née voilà über doppelgänger açaí
    """,
    )
)
"""Words with marks on their letters that English writes so."""

_SURE_ALONE_MIN: Final = 4
"""A single word of fewer letters ("UN", "est") says nothing about a guest."""

_TOKEN: Final = regex.compile(r"\p{Latin}[\p{Latin}\p{M}'’]*")
_MARKED: Final = regex.compile(r"[^\x00-\x7F’]")


def known_by_words(text: str, hosts: Sequence[str]) -> tuple[str, ...]:
    """Languages whose own words fill at least half of `text`, and more of it than those of any other language; empty
    when there are none. A host wins over guests with as many. Several, when they share those words."""
    tokens = _tokens(text)
    hits = Counter(language for token in tokens for language in _languages(token))
    most = max(hits.values(), default=0)
    if not most or 2 * most < len(tokens):
        return ()
    best = tuple(language for language in WORDS if hits[language] == most)
    at_home = tuple(language for language in best if language in hosts)
    if at_home:
        return at_home
    if most == 1 and not any(len(token) >= _SURE_ALONE_MIN and _languages(token) for token in tokens):
        return ()
    return best


def has_foreign_marks(text: str) -> bool:
    """True when a word has marks that English does not write, and is no name in the middle of a line."""
    return any(
        _MARKED.search(found[0]) and found[0].lower() not in _LOANS and (found.start() == 0 or found[0][0].islower())
        for found in _TOKEN.finditer(text)
    )


def host_words(text: str, language: str) -> int:
    """How many words of `text` are among those that `language` is known by."""
    return sum(language in _languages(token) for token in _tokens(text))


def _tokens(text: str) -> list[str]:
    return [found.lower().replace("’", "'").strip("'") for found in _TOKEN.findall(text)]


_LANGUAGES: Final = {
    word: tuple(language for language, words in WORDS.items() if word in words)
    for word in frozenset().union(*WORDS.values())
}


def _languages(token: str) -> tuple[str, ...]:
    """Languages that have `token`, elided as it may be: t'aime, j'ai, d'accord."""
    elided = token[2:] if len(token) > 3 and token[1] == "'" else token
    return _LANGUAGES.get(token) or _LANGUAGES.get(elided, ())
