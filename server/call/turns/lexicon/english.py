"""English: its words and endings, as far as turn-taking needs them."""

import re
from functools import partial

from server.call.turns.lexicon.english_writing import spoken, words_of
from server.call.turns.lexicon.grammar import Grammar, GrammarLexicon, asked, last_question, last_words, phrases
from server.call.turns.lexicon.lexicon import Wanted

_ASKING = r"(?:what|who|whom|where|when|why|how|which)"
"""Question words."""
_SUBJECT = r"(?:i|you|we|they|he|she|it|that|this|there)"
"""Short subjects of a sentence."""
_VERB = (
    r"(?:is|are|was|were|am|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must|don't|doesn't"
    r"|didn't|can't|couldn't|won't|wouldn't|isn't|aren't)"
)
"""Auxiliary verbs, with which a question may begin."""
_ANNOUNCES = re.compile(
    r"\b(?:(?:can|could|will|would) you (?:please )?help me(?: please)?|(?:can|could|may) i (?:please )?ask(?: you)?"
    r"|(?:have|got) (?:a|another|one|one more) (?:question|problem)|need (?:some |your )?help|ask(?: you)? something)$"
)
_OPENING = r"(?:yes|yeah|yep|no|oh|well|okay|sure|sorry)"
"""What callers say before a short answer."""
_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
)
_NUMBERS = frozenset(_NUMBER_WORDS.split())
_TENS = frozenset("twenty thirty forty fifty sixty seventy eighty ninety".split())
_TEENS = frozenset("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split())


_asked = partial(
    asked,
    verbs="tell|say|give|repeat|spell",
    about_it=r"\b(?:it|yours|that) ?(?:again)?",
)
_YES_OR_NO = last_question(
    "and|so|okay|now|then|or|but",
    r"(?:is|are|was|were|has|does|did)(?! there)|(?:shall|should) (?:i|we) (?!take|have|note)"
    r"|do you (?:still|want|live|mean|use|prefer|wish|need)|would you (?:like|prefer|rather)(?! to (?:tell|give"
    r"|spell|say))"
    r"|(?:can|could|may) (?:i|we) (?:use|send|call|reach|text|deliver|ship|book|mail)",
    r"right|correct|yes|isn't it",
)
_REQUESTS = {
    Wanted.SPELLING: re.compile(rf"\bspell\b[^.!?]*[.?]?\s*$|{_asked('post ?code|postal code').pattern}"),
    Wanted.EMAIL: _asked("e-?mail"),
    Wanted.NUMBER: _asked("numbers?|digits|code|zip|date of birth|birth ?date|birthday|when were you born|expiry date"),
    Wanted.ADDRESS: _asked("address|street|where (?:do|should) (?:you|we) (?:live|deliver|send)"),
}
_FIGURE = rf"(?:\d+|oh|{_NUMBER_WORDS.replace(' ', '|')})"
"""One number word, or digits."""
_LONE_FIGURE = re.compile(rf"\b(at|plus|minus|times|by|of|past|until|till|than|from) {_FIGURE}$")
_NOTHING = r"(?!)"
"""A pattern that matches nothing."""

_OPEN_WORDS = {
    "an the my your his our their its every and or but because if whether unless than as whose except very also just "
    "um uh er erm plus minus equals double triple i'm i'd i'll i've you're you'd you'll you've we're we'd "
    "we'll we've they're they'll it's he's she's what's where's who's how's there's here's": _NOTHING,
    # my name is d a n a
    "a": r"[a-z] a",
    # mm hmm
    "hmm": r"(mm|um|uh) hmm",
    # who am i · how old is she · so do i
    "i we they he she": rf"this is s?he|{_ASKING}( \w+)? (is|are|was|were|am) \w+|(so|neither|nor) \w+ \w+|[a-hj-z] i",
    # yes it is · as soon as you can · if you may · i think you should · that's all i have
    # where i am · what time it is · where my order is · tell me what two plus two is · what did i say my name was
    # what can you do · please do · how many do you have · when will that be · how have you been
    # i do · it is · the one i have · the third of may · my name is will
    "is are was were am do does did have has had can could will would shall should may might must be been": (
        rf"(yes|yeah|yep|no|nope|sure|course|than|as|wish|way|all|everything) {_SUBJECT}( \w+)? \w+"
        r"|if (i|you|we|they) (can|could|do|may|might|must|would|will)"
        rf"|(think|hope|believe) {_SUBJECT} (do|does|did|can|could|will|would|should)"
        rf"|(what|where|who) {_SUBJECT}( \w+)? \w+|(what|which) \w+ {_SUBJECT} \w+"
        rf"|{_ASKING} (my|your|his|her|our|the)( [\w']+){{1,3}} (is|are|was|were)"
        rf"|(know|tell me|say|see|remember) {_ASKING} .*(is|are|was|were)|{_ASKING}\b.* say .*(is|are|was|were)"
        rf"|(what|who|how)\b.* {_VERB} .*do|(what|to|will|that'll|please) do"
        rf"|(what|which|how many|how much)\b.* {_VERB} .*have|{_ASKING}\b.* {_VERB} .*(be|been)"
        rf"|^({_OPENING} )*(i am|it is|they are|{_SUBJECT} (do|does|did))|the (only )?ones? {_SUBJECT} (have|had)"
        r"|(in|of|for|until|till|since|by|from|before|after|next|last|this|mid|first|second|third|\w+th|rd|nd|st) may"
        r"|(name is|name's|this is|it's|with|for) will"
    ),
    # what is it about · where are you from · who can i talk to · hold on · come in · if you want to
    "to for from with without at in on by about of into onto between until till since per via": (
        rf"(what|who|where)('s| is| are| was| were| am) {_SUBJECT}( \w+)? \w+|(what|where) .*(made of|from)"
        rf"|(what|who) {_VERB} {_SUBJECT} (?!need|want|have|like)\w+( it| that| this| me| us)?"
        r" (to|for|from|with|about|on)"
        r"|(hold|come|hang|go|going|carry|move|keep|so|later|it|not|isn't) on|(turns|turned|switches|switched|comes) on"
        r"|(won't|doesn't|didn't|not|it) (turn|switch|come|go) on|(heating|lights?|power|water|router) (is|are|was) on"
        r"|(come|check|log|sign|drop|walk|walked|breathe|it) in|(let|fit|squeeze|book) (me|us) in"
        r"|(is|are) ((he|she|anyone|anybody)|(the|your) (doctor|dentist|manager|boss)|(doctor|mr|mrs|miss) \w+) in"
        r"|(stop|come|drop) by|(think|heard|that i know|i'm aware) of|if you (want|like|need|have) to"
        r"|what (i|we|i'm|we're) (?!need|want|have|like)(\w+ ){0,2}\w+ (for|about|of)|what i came for"
        rf"|^({_OPENING} )*((i'd|i would|we'd) (love|be happy|be glad) to|(i|we) (don't|didn't) (want|need) to)"
    ),
    # what · i don't know why · so what · since when
    "what who where when why how which": (
        r"^((sorry|pardon|wait) )*(what|who|where|when|why)|(don't|not) (know|sure|care|remember|understand|see) \w+"
        r"|(so|or|guess|for|say) what|(since|until) when"
    ),
    # of course not · no it's not
    "not": (
        r"(why|hope|guess|course|maybe|probably|rather|certainly|absolutely|definitely|or|if|better"
        r"|afraid|apparently) not"
        r"|no [\w']+( \w+)? not"
    ),
    "so": r"(think|hope|guess|believe|suppose|even|do|did|not|thought|said) so",
}
"""Last words after which a sentence is mostly not complete. Each group of words has a pattern: a sentence that ends
with it, and with one of these words, is complete after all. The comments show such complete sentences."""

_CLOSING_WORDS = {
    # can you · if you · are you · when are you, but how are you
    "you": (
        r"(can|could|do|does|did|would|will|have|should|may|if|when|that|because) you"
        r"|^(so |and )?(are|were) you|(when|time|long|late) are you"
    ),
    # is it · hello is there · can i · does that · i think this, but what is it · i need that
    "it that this there": (
        rf"^(?!{_ASKING} )(\w+ )?(is|was|are|isn't|aren't) \w+|{_ASKING} did \w+"
        r"|(does|can|could|will|would|should|has|if|when|because|and|but|or|so|think) \w+"
    ),
    # well · and then, but bye then
    "then well": r"^\w+|(and|so|but) \w+",
    "actually maybe": r"^\w+|(and|so|but|or|no|yes|i) \w+",
    # i would like · i need · i'm looking · can you tell me, but what do i need · can you call me
    "like prefer": r"(i|we) would( \w+)? \w+|(i'd|we'd)( \w+)? \w+|(something|anything) \w+",
    "need want wanted ordered think thought guess": r"^(?!what|all|whatever)(\w+ )?(i|we)( \w+)? \w+",
    "wondering looking calling": r"(i'm|i am|i was|we're|just)( \w+)? \w+",
    "me us": r"(tell|give|send|show|bring|let) \w+",
    "many": r"how many",
    # two times · two point, but your opening times
    "times point": rf"{_FIGURE} \w+",
}
"""Last words with which a sentence is mostly complete. Each group of words has a pattern: a sentence that ends with it,
and with one of these words, is not complete. The comments show such incomplete sentences, and after "but" complete
ones."""

_MORE_FIGURES = re.compile(
    # matches: order one · four oh · d a n · d a n i; not: the blue one · five p m
    rf"(.*\b({_FIGURE}|number|order|room|line|code|is|it's|was|at|to|and|plus|minus|times|point|by|past|until|till"
    rf"|from) )?one$|.*\b{_FIGURE} oh$|(?!.*\b[ap] m$)(.* )?[b-hj-z]$|.*\b[a-z] [ai]$"
)
_FILLERS = frozenset("um uh er erm a the and so well please".split())
_LEAD_INS = frozenset("but i said".split())
_BACKCHANNELS = phrases(
    "mm | mmm | mhm | hm | hmm | huh | ah | aha | oh | okay | yeah | yes | yep | yup | right | all right",
    "sure | good | great | fine | nice | cool | perfect | wow | really | exactly | true | very good",
    "i see | i know | i understand | got it | got that | of course | sounds good | fair enough | thanks | thank you",
    "that's right | that's good | that's great | that's fine | that's nice | that's true | that's okay",
    "that is right | that is good | that is great | that is fine | that is nice | that is true | that is okay",
    # said while the agent is busy
    "no rush | no hurry | no problem | no worries | not a problem | take your time | no need to rush | don't rush",
    "i'll wait | i will wait | i can wait | i'm waiting | i'll hold | i will hold | i can hold | i'll hold on",
    "i'll hang on | i'm here | i'm still here | i have time | go ahead | go on | carry on | please do",
    "don't worry | do not worry | don't worry about it | don't worry about that | don't hang up | don't apologize",
    "i don't mind | i do not mind | don't mind | i don't mind waiting | i don't mind at all | not at all",
    "sorry about that | sorry about the noise | sorry go ahead | sorry go on | sorry carry on | sorry please go on",
    "sorry please go ahead | i'm not in a hurry | i'm not in a rush | i'm in no hurry | i'm in no rush | at all",
    "there's no hurry | there's no rush | that's all right | it's fine | it's okay | it's all right",
    "it's no problem",
    "that's no problem | that's not a problem | that's perfect | that's lovely | lovely | brilliant | all good",
    "that works | sounds great | sounds perfect | please continue | continue | keep going | you go ahead",
    "no that's all | no that's it | no that's everything | no need to hurry | no need to apologize",
    "take all the time you need | whenever you're ready | i've got time | happy to wait | i'm happy to wait",
    "i'm happy to hold | you're right | you are right | you can go ahead | you can go on | i am not in a hurry",
    "i am not in a rush | i am in no hurry | i am in no rush",
)
_REFUSALS = phrases("no | nope | nah")
_STOPS = _REFUSALS | phrases(
    "no thanks | no thank you | stop | stop it | stop that | stop there | wait | hold | hold on | cancel",
    "cancel it | cancel that | enough",
    "that's enough | don't | do not | never mind | forget it | forget that | leave it | scratch that | abort",
)
_STATEMENTS = phrases(
    "i don't | i do not",
    "don't know | do not know | don't think | don't care | don't remember | don't understand | don't have",
    "don't see",
    "don't hear | don't get | don't forget | don't i | don't we | don't you | don't they | of course not",
    "really not",
    "no one | no idea | no doubt | no good",
)
_COMMANDS = phrases(
    "hang on | excuse me | sorry | hello | hey | listen | pause | goodbye | bye | pardon | repeat | repeat that",
    "help",
    "quiet | be quiet | shut up | one moment | one second | just a moment | just a second | hang on a second",
)

ENGLISH = GrammarLexicon(
    Grammar(
        words=spoken,
        written=words_of,
        announcements=_ANNOUNCES,
        open_endings=last_words(_OPEN_WORDS, _CLOSING_WORDS),
        digits=dict.fromkeys(_NUMBERS - {"one"}, 1) | dict.fromkeys(_TEENS, 2),
        tens=_TENS,
        inside_numbers={"one": 1, "oh": 1, "double": 1, "point": 0},
        more_figures=_MORE_FIGURES,
        lone_figure=_LONE_FIGURE,
        yes_or_no=_YES_OR_NO,
        requests=_REQUESTS,
        fillers=_FILLERS,
        lead_ins=_LEAD_INS,
        backchannels=_BACKCHANNELS,
        commands=_COMMANDS,
        stops=_STOPS,
        refusals=_REFUSALS,
        statements=_STATEMENTS,
    )
)
