"""Short English words, which a term must not be pieced together from: `the pen is red`, `who re-reads it`."""

from typing import Final

_WORDS: Final = """
    a b c d e f g h i j k l m n o p q r s t u v w x y z
    ad ah ai am an as at be by do eh em er ex go ha he hi hm id if in is it la lo ma me mi mm mr ms my no of oh ok on op
    or os ow ox oz pa pc pi re so ta ti to tv uh um un up us ur we wo ya ye yo
    ace act add age ago aim air all and ant any ape app arc are arm art ash ask ate awe bad bag ball ban bar bat bay bed
    bee bet bid big bit box boy bug bun bus but buy bye can cap car cat cop cow cry cup cut dad dam day did die dig dip
    dog dot dry due ear eat egg ego end era eve eye fan far fat fee few fig fin fit fix fly fog for fox fun gap gas gem
    get got gum gun gut guy gym had ham has hat hen her hey hid him hip his hit hot how hug hut ice ill inn ion its itch
    jam jar jaw jet job joy key kid kit lab lad lap law lay led leg let lid lie lip log lot low mad man map mat may men
    met mix mob mom mud nap net new nod nor not now nut oak odd off oil old one our out owe own pad pan pat pay pea pen
    pet pie pig pin pit pop pot pro pub put ran rat raw red rib rid rip rob rod row rub rug run sad sat saw say sea see
    set she shh shy sin sip sir sit six ski sky son sue sum sun tap tar tax tea ten the tie tin tip toe ton too top toy
    try tub two use van vet via war was wax way web wet who why win wit won yes yet you zoo
    also away back been best came come date door down each ever feel feet find five four free from full give gone good
    hand hard have head hell here hole home into just keep kick kind knew know last late left life like line list live
    long look made mail make many more most move much name need next nice only open over part pass past play read real
    rest rice ride ring rise role room save seem self send sent ship shoe shop show side sing some song soon stop such
    sure take talk team tell than that them then they this time told took town turn very wait walk want warm well went
    were what when will wind wish with word work year your pens
"""
SHORT_WORDS: Final = frozenset(_WORDS.split())
"""Common words of one to four letters, rude ones left out."""
