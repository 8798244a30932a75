"""Nederlands. The answer, its title and the decision asked."""

from planner.report.words.language import AnswerWords

ANSWER = AnswerWords(
    headline={
        "REACHABLE": "Een loss van {target} is haalbaar, waarschijnlijk voor {cost} per jaar",
        "UNREACHABLE": "Een loss van {target} is buiten bereik; {lowest} is ongeveer het laagste dat deze data "
        "ondersteunen",
        "NOT_ENOUGH_DATA": "Een loss van {target} vraagt meer onderzoeken dan er zullen zijn",
        "UNDECIDED": "Deze runs zeggen nog niet of een loss van {target} haalbaar is",
    },
    decision={
        "REACHABLE": "Keur {total} per jaar goed, het begrotingsscenario van dit stuk, om {model} te finetunen "
        "op de eigen beelden van de afdeling ({setup}), in de wetenschap dat het jaar tot {p90} kan kosten (9 "
        "van de 10 keer).",
        "UNREACHABLE": "Financier dit doel met deze configuratie niet. Kies tussen een doel dat deze data ondersteunen "
        "en een kalibratie van een andere configuratie.",
        "NOT_ENOUGH_DATA": "Financier dit doel nog niet. Besluit of er meer verschillende onderzoeken kunnen komen.",
        "UNDECIDED": "Besluit nog niet over een jaarbudget. Besluit of er één kalibratierun bij komt, die de "
        "vraag inperkt.",
    },
    next_step={
        "REACHABLE": "Doe één finetuning, meet de loss op apart gehouden onderzoeken en vergelijk die met de band "
        "van de curve voordat de tweede poging wordt betaald.",
        "UNREACHABLE": "Vraag een doel boven de vloer, of kalibreer een andere configuratie (grotere beelden, "
        "meer aangepaste lagen, een ander model); meer voorbeelden van deze helpen niet.",
        "NOT_ENOUGH_DATA": "Verzamel meer verschillende onderzoeken, of vraag een doel dat de aanwezige "
        "onderzoeken toelaten; dezelfde onderzoeken vaker tonen vervangt geen nieuwe.",
        "UNDECIDED": "Doe een run met een budget dat twee keer zo groot is als het grootste tot nu toe en plan "
        "opnieuw; tot dan gelden alle kosten alleen als het doel wordt gehaald.",
    },
    next_blocked="Los eerst op wat blokkeert: {finding}",
    decision_illustration="Geen. Dit stuk toont de weg met een klein vervangend model. Op deze cijfers mag geen "
    "besluit rusten; kalibreer eerst PaliGemma op een GPU.",
    decision_memory="Kies een andere GPU of een andere kwantisatie: {memory}",
    blocked="Wat volgt is rekenwerk, geen prognose om op te bouwen: de diagnose van deze runs blokkeert een oordeel.",
    chance_blocked="niet vermeld",
    chance="Een loss van {target} halen binnen {horizon} {unit}: {chance}.",
    cost="Als het lukt, waarschijnlijk {cost} per jaar (8 van de 10 keer); zo niet, dan is {spent}.",
    cost_never="Wat het halen zou kosten is niet te zeggen, want bijna geen prognose haalt het; daarbij is {spent}.",
    cost_unbounded="Als het lukt, {cost} per jaar, zonder bovengrens die deze data ondersteunen; zo niet, dan is "
    "{spent}.",
    spent="hooguit {spent} uitgegeven voordat we het weten",
    spent_unbounded="wat er is uitgegeven voordat we het weten niet begrensd",
    within_budget="De kans om binnen {budget} per jaar te blijven is {chance}.",
    lowest="De laagste loss die deze data ondersteunen binnen {horizon} {unit} is ongeveer {p50} (9 van de 10 keer "
    "{p05} tot "
    "{p95}).",
    no_p90="niet gehaald in minstens 1 van 10 trekkingen: geen P90",
    no_p50="niet gehaald in minstens de helft van de trekkingen: geen P50",
    no_p10="niet gehaald in minstens 9 van 10 trekkingen: geen P10",
    not_costed="{count} posten waar een bestuur naar vraagt hebben nog geen bedrag en tellen in geen totaal mee: "
    "{labels}.",
    not_costed_one="Eén post waar een bestuur naar vraagt heeft nog geen bedrag en telt in geen totaal mee: {labels}.",
    not_costed_count="{count} posten waar een bestuur naar vraagt hebben nog geen bedrag en tellen in geen "
    "totaal mee; ze staan onder “{heading}”.",
    nothing_left_out="Elke post die dit stuk kent heeft een bedrag.",
    verdict_of_adapters="{verdict} Dat geldt voor één adapter op alle onderzoeken; een adapter per modaliteit "
    "heeft er minder, en de kans dat ze het alle halen is {chance}.",
    illustration="illustratie, niet PaliGemma-3B",
    quality_unknown="Wat deze loss betekent in antwoorden is niet bekend: de kalibratie heeft geen antwoorden "
    "bij twee of meer budgetten eromheen.",
    curve_title={
        "IDENTIFIED": "Meer voorbeelden verlagen de loss, tot een vloer tussen {low} en {high}",
        "NOT_IDENTIFIED": "Meer voorbeelden verlagen de loss; waar dat eindigt zeggen deze runs niet",
        "BLOCKED": "Gemeten loss, en een prognose die de diagnose niet vertrouwt",
    },
    total="Het begrotingsscenario telt op tot {total} per jaar.",
    no_lines="Er is geen begrotingsscenario, want uit deze data volgen geen kosten van het halen van het doel.",
)
