"""Nederlands."""

from planner.report.words.language import AnswerWords, NumberWords, PaperWords, Words

WORDS = Words(
    locale="nl_NL",
    language="nl",
    numbers=NumberWords(
        not_reached="niet gehaald",
        unknown="onbekend",
        under="onder {}",
        over="boven {}",
        or_more="{} of meer",
        to="{} tot {}",
        about="ongeveer {}",
    ),
    answer=AnswerWords(
        headline={
            "REACHABLE": "Een loss van {target} is haalbaar, waarschijnlijk voor {cost} per jaar",
            "UNREACHABLE": "Een loss van {target} is buiten bereik; {lowest} is ongeveer het laagste dat deze data "
            "dragen",
            "NOT_ENOUGH_DATA": "Een loss van {target} vraagt meer onderzoeken dan er zullen zijn",
            "UNDECIDED": "Deze runs zeggen nog niet of een loss van {target} haalbaar is",
        },
        decision={
            "REACHABLE": "Keur {total} per jaar goed, het begrotingsscenario van dit stuk, om {model} te finetunen "
            "op de "
            "eigen beelden van de afdeling ({setup}), in de wetenschap dat het jaar tot {p90} kan kosten (9 van 10).",
            "UNREACHABLE": "Financier dit doel met deze configuratie niet. Kies tussen een doel dat deze data "
            "dragen en "
            "een kalibratie van een andere configuratie.",
            "NOT_ENOUGH_DATA": "Financier dit doel nog niet. Besluit of er meer verschillende onderzoeken kunnen "
            "komen.",
            "UNDECIDED": "Besluit nog niet over een jaarbudget. Besluit of er één kalibratierun bij komt, die de "
            "vraag "
            "inperkt.",
        },
        next_step={
            "REACHABLE": "Finetune één keer, meet de loss op apart gehouden onderzoeken en vergelijk die met de "
            "band van "
            "de curve voordat de tweede poging wordt betaald.",
            "UNREACHABLE": "Vraag een doel boven de vloer, of kalibreer een andere configuratie (grotere beelden, "
            "meer "
            "aangepaste lagen, een ander model); meer voorbeelden van deze helpen niet.",
            "NOT_ENOUGH_DATA": "Verzamel meer verschillende onderzoeken, of vraag een doel dat de aanwezige "
            "onderzoeken "
            "toelaten; dezelfde onderzoeken vaker tonen vervangt geen nieuwe.",
            "UNDECIDED": "Draai een budget dat twee keer zo groot is als het grootste tot nu toe en plan opnieuw; "
            "tot "
            "dan zijn alle kosten van het halen van het doel voorwaardelijk.",
        },
        next_blocked="Los eerst op wat blokkeert: {finding}",
        decision_illustration="Geen. Dit stuk toont de weg met een klein vervangend model. Op deze cijfers mag geen "
        "besluit rusten; kalibreer eerst PaliGemma op een GPU.",
        decision_memory="Kies een andere GPU of een andere kwantisatie: {memory}",
        blocked="Wat volgt is rekenwerk, geen prognose om op te bouwen: de diagnose van deze runs blokkeert een "
        "oordeel.",
        chance="Een loss van {target} halen binnen {horizon} {unit}: {chance}.",
        cost="Als het lukt, waarschijnlijk {cost} per jaar, 8 van 10; zo niet, dan is {spent}.",
        cost_never="Wat het halen zou kosten is niet te zeggen, want bijna geen prognose haalt het; er is {spent}.",
        cost_unbounded="Als het lukt, {cost} per jaar, zonder bovengrens die deze data dragen; zo niet, dan is "
        "{spent}.",
        spent="hooguit {spent} uitgegeven voordat we het weten",
        spent_unbounded="wat er is uitgegeven voordat we het weten niet begrensd",
        within_budget="De kans om binnen {budget} per jaar te blijven is {chance}.",
        lowest="De laagste loss die deze data dragen binnen {horizon} {unit} is ongeveer {p50} (9 van 10: {p05} tot "
        "{p95}).",
        no_p90="niet gehaald in minstens 1 van 10 trekkingen: geen P90",
        no_p50="niet gehaald in minstens de helft van de trekkingen: geen P50",
        no_p10="niet gehaald in minstens 9 van 10 trekkingen: geen P10",
        not_costed="{count} posten waar een bestuur naar vraagt hebben nog geen bedrag en zitten in geen totaal: "
        "{labels}.",
        not_costed_one="Eén post waar een bestuur naar vraagt heeft nog geen bedrag en zit in geen totaal: {labels}.",
        nothing_left_out="Elke post die dit stuk kent heeft een bedrag.",
        illustration="illustratie, niet PaliGemma-3B",
        quality_unknown="Wat deze loss betekent in antwoorden is niet bekend: de kalibratie heeft geen antwoorden "
        "bij "
        "twee of meer budgetten eromheen.",
        curve_title={
            "IDENTIFIED": "Meer voorbeelden verlagen de loss, tot een vloer die de runs vastleggen",
            "NOT_IDENTIFIED": "Meer voorbeelden verlagen de loss; waar dat eindigt zeggen deze runs niet",
        },
        total="Het begrotingsscenario telt op tot {total} per jaar.",
        no_lines="Er is geen begrotingsscenario, want uit deze data volgen geen kosten van het halen van het doel.",
    ),
    paper=PaperWords(
        illustration_title="Illustratie. {title}",
        overline="Stuk voor het bestuur (financiën)",
        subject="Een beeld-taalmodel finetunen voor radiologie: kans, jaarkosten en waar die op rusten",
        header="Jaarkosten van een radiologiemodel",
        footer="Plan van {created} · kalibratie {calibration} van {measured} · Plateau {version}",
        page="Pagina {} van {}",
        decision_title="Gevraagd besluit",
        tile_chance="Kans om het te halen",
        tile_chance_note="binnen {horizon} {unit}",
        tile_cost="Kosten per jaar, als het lukt",
        tile_cost_note="8 van 10 · doorgaans {p50}",
        tile_missed="Kwijt als het mislukt",
        tile_missed_note="hooguit (9 van 10), voordat we het weten",
        tile_budget="Kans binnen budget",
        tile_budget_note="van {budget} per jaar",
        tile_left_out="Niet begroot",
        tile_left_out_note="posten, in geen van deze cijfers",
        verdict_title="Oordeel",
        asymptote_title="Vloer van de loss",
        quality_title="Wat het doel betekent in antwoorden",
        next_title="Wat nu te doen",
        left_out_title="Niet begroot",
        curve_alt="Grafiek van {kind} tegen {unit}, gemeten en voorspeld. {count} meetpunten lopen van {first} bij "
        "{first_x} "
        "naar {last} bij {last_x}. De prognose bij {horizon} {unit} is {p50}, 9 van 10 tussen {p05} en {p95}. Het "
        "doel is "
        "{target}. {asymptote}",
        curve_loss={
            "held_out": "Loss op apart gehouden onderzoeken, nats per suffixtoken",
            "training": "Trainingsloss, nats per suffixtoken",
            "unknown": "Loss (onbekend welke), nats per suffixtoken",
        },
        curve_x={
            "examples": "voorbeelden",
            "steps": "optimizerstappen",
            "unknown": "eenheden van de x van het log",
        },
        curve_axis={"examples": "Voorbeelden", "steps": "Optimizerstappen", "unknown": "x van het log"},
        curve_measured="gemeten",
        curve_line="prognose, midden",
        curve_band="prognose, 9 van 10",
        curve_target="doel {target}",
        curve_asymptote="vloer, 9 van 10",
        curve_horizon="horizon",
        cost_heading="Wat een jaar kost",
        cost_lead="{scenario}. Elke post is een product van genoemde getallen, en de posten tellen op tot op de cent.",
        cost_columns=["Post", "Hoe berekend", "Het cijfer is", "€ per jaar"],
        cost_total="Totaal van het begrotingsscenario",
        cost_caption="Posten van het begrotingsscenario",
        totals_lead="De bandbreedte komt uit {draws} trekkingen van alle onzekere invoer tegelijk. Deze totalen "
        "tellen niet "
        "op: de P90 van een som is niet de som van de P90's. Ze staan naast het begrotingsscenario en vervangen "
        "geen van "
        "de posten. Twee significante cijfers.",
        totals_caption="Bandbreedte van het jaartotaal (telt niet op)",
        totals_columns=["Cijfer", "P10", "P50", "P90"],
        totals_all="€ per jaar, over alle trekkingen",
        totals_reached="€ per jaar, als het doel wordt gehaald",
        totals_hours="GPU-uren per jaar, over alle trekkingen",
        left_out_heading="Wat niet is begroot",
        left_out_lead="Voor het volgende heeft niemand een bedrag gegeven ({count}). Het zit in geen totaal en in "
        "geen "
        "bandbreedte van dit stuk; bij elk staat hoe het bedrag er komt.",
        options_heading="Opties vergeleken",
        options_lead="Hetzelfde doel op andere GPU's, elk met de goedkoopste kwantisatie en manier van aanschaf. "
        "GiB is de "
        "P95 van het geheugen, GPU-uren de mediaan van één finetuning ({basis}).",
        options_none="Op elke GPU wordt het doel in minstens 9 van 10 trekkingen gemist, dus er zijn geen kosten te "
        "vergelijken.",
        options_caption="Jaarkosten naar GPU, kwantisatie en manier van aanschaf",
        options_columns=["GPU", "Kwantisatie", "Huur of koop", "GiB", "GPU-uren", "€ per jaar, 8 van 10"],
        options_bars="Bandbreedte",
        options_this="dit plan",
        options_infeasible="Niet haalbaar: {options}.",
        options_more="Meer opties in het bijgevoegde plan: {count}.",
        options_budget="In budget",
        risks_heading="Risico's en wat het besluit zou veranderen",
        risk_missed="Het doel wordt niet gehaald",
        risk_missed_text="Kans {chance}; dan is {spent}.",
        risk_hours="GPU-uren: {basis}",
        risk_memory="Geheugen",
        risk_left_out="Kosten buiten elke bandbreedte",
        risk_left_out_text="Zonder bedrag: {count} (zie boven).",
        influence_title="{label} beweegt de jaarkosten het meest: {low} tot {high}",
        influence_lead="Jaarkosten met één invoer op P10 en op P90, alle andere op hun mediaan.",
        influence_alt="Staafgrafiek van de jaarkosten met één invoer op P10 en P90. {bars}.",
        influence_none="Geen enkele invoer is getoond, want uit deze data volgen geen eindige kosten.",
        influence_small="Geen enkele onzekere invoer beweegt de jaarkosten meer dan de afronding.",
        assumptions_heading="Aannames, met bronnen en data",
        assumptions_lead="Invoer waar de cijfers op rusten. Een standaard is een keuze van Plateau die niet is "
        "getrokken: vervang die door uw eigen cijfer. Het bijgevoegde plan bevat alles met de volledige bron.",
        assumptions_caption="Invoer van het plan",
        assumptions_columns=["Invoer", "Waarde", "Hoe zeker", "Soort", "Bron en datum"],
        assumptions_more="Meer invoer in het bijgevoegde plan: {count}.",
        method_heading="Methode",
        method=[
            (
                "Kalibratie",
                "Enkele korte finetunings (budgetten) van het model met low-rank adapters (LoRA), elk met de "
                "learning "
                "rate tot het einde afgebouwd, worden gemeten op onderzoeken waar geen run op traint.",
            ),
            (
                "Wet",
                "De eindlosses volgen loss = a · voorbeelden^(−b) + c. Exponent, vloer c en ruis zijn niet één fit: "
                "duizenden curven die de punten toelaten blijven bewaard, en elk later cijfer wordt daaruit "
                "getrokken. "
                "Waar de punten de vloer niet vastleggen, zegt dit stuk dat en noemt er geen.",
            ),
            (
                "Horizon",
                "Een uitspraak reikt niet verder dan de getoetste extrapolatie (64 keer het grootste budget), de "
                "onderzoeken die er zullen zijn en het geld. Het oordeel is het aandeel curven dat het doel "
                "daarbinnen "
                "haalt: haalbaar vanaf 90 %, onhaalbaar bij hooguit 10 % als de vloer de reden is.",
            ),
            (
                "Uren en geheugen",
                "Bewerkingen en bytes van een stap worden exact geteld; proefmetingen maken er seconden van. "
                '"Gemeten" komt van deze GPU zelf, "geëxtrapoleerd" van een andere GPU, "niet gemeten" van '
                "gepubliceerde benutting, met telkens een bredere marge.",
            ),
            (
                "Geld",
                "Elke trekking neemt voorbeelden, snelheid, prijs, wisselkoers en antwoordlengte samen, en telt "
                "pogingen, "
                "hertrainingen, beantwoorden, personeel en de kalibratie op. Trekkingen die het doel nooit halen "
                "tellen "
                "als oneindig duur, zodat een kwantiel eerder ontbreekt dan vleit.",
            ),
        ],
        method_facts="Dit plan: {points} meetpunten, {draws} trekkingen, seed {seed}; {model} gemeten op {device}.",
        glossary_heading="Woordenlijst",
        glossary=[
            ("Budget (van een run)", "De voorbeelden die een kalibratierun mag verwerken."),
            ("Voorbeeld", "Eén beeld met zijn tekst, één keer gezien in de training."),
            ("Vloer, asymptoot", "De loss waar meer voorbeelden van dezelfde soort niet onder komen."),
            ("GPU-uur", "Eén grafische processor gedurende één uur."),
            ("Apart gehouden", "Per patiënt of casus opzij gelegd; nooit op getraind."),
            ("Loss", "Hoe verrast het model is door het juiste antwoord, in nats per token; lager is beter."),
            ("P10, P50, P90", "Eén, vijf en negen van de tien trekkingen liggen eronder."),
            ("Kwantisatie", "Het bevroren model in minder bits opslaan (bf16: 16, nf4: 4)."),
            ("Hertraining", "Een finetuning na de eerste, op nieuwere onderzoeken."),
            ("Poging", "Een volledige finetuning, aanvaard of niet."),
        ],
        signature=["Besloten", "Naam", "Datum en handtekening"],
        as_of="{date}",
        basis={
            "measured": "gemeten",
            "extrapolated": "geëxtrapoleerd",
            "unprobed": "niet gemeten",
            "catalog": "catalogus",
            "datasheet": "datasheet",
            "typed": "ingevuld",
            "default": "standaard",
            "assumption": "aanname",
        },
        tenure={
            "on_demand": "op afroep",
            "spot": "spot",
            "commitment_1_year": "huur 1 jaar",
            "commitment_3_years": "huur 3 jaar",
            "buy": "koop",
        },
        severity={"note": "Opmerking", "warning": "Waarschuwing", "blocking": "Blokkerend"},
        attachment="Het plan waaruit dit stuk is geschreven (JSON)",
        risk_dates="Gedateerde invoer",
        risk_dates_text="De oudste is {label}, van {date}.",
        plan_language="Zinnen in het Engels komen woordelijk uit het plan.",
    ),
    labels={
        "staff": "Eigen personeel",
        "serving": "Onderzoeken beantwoorden",
        "serving_rent": "Onderzoeken beantwoorden, gehuurde GPU",
        "tuning_rent": "Finetuning, gehuurde GPU",
        "calibration": "De kalibratie zelf",
        "calibration_rent": "De kalibratie zelf, gehuurde GPU",
        "equipment": "Server, jaarlijkse annuïteit",
        "maintenance": "Onderhoud en support",
        "electricity": "Elektriciteit, zonder btw",
        "storage": "Opslag",
        "vat": "Btw die niet wordt teruggekregen",
        "deidentification": "Beelden en verslagen de-identificeren",
        "labelling": "Labelen en nakijken van verslagen door radiologen",
        "clinical_validation": "Klinische validatie",
        "compliance": "MDR, AI-verordening, DPIA en beveiliging",
        "pacs_integration": "Koppeling met PACS en RIS",
        "downtime": "Uitval en terugval",
        "decommissioning": "Buiten gebruik stellen",
        "model": "Model waarvoor uren en geheugen zijn berekend",
        "seconds_per_example": "Seconden per voorbeeld in de training",
        "evaluation_share": "Evaluatie tijdens de training",
        "loading_share": "Opstarten en checkpoints",
        "serving_batch": "Onderzoeken die samen worden beantwoord",
        "serving_start_s": "Start van de dagelijkse antwoordronde",
        "price": "GPU-uur, zonder btw",
        "usd_per_eur": "Amerikaanse dollars voor één euro",
        "trials": "Pogingen tot een finetuning is aanvaard",
        "retunings_per_year": "Hertrainingen per jaar",
        "retuning_share": "Voorbeelden van een hertraining, deel van de eerste",
        "studies_per_day": "Te beantwoorden onderzoeken per dag",
        "answer_tokens": "Lengte van een antwoord",
        "staff_hours_per_year": "Eigen personeel",
        "staff_eur_per_hour": "Volledige kosten van een uur personeel",
        "vat_rate": "Btw",
        "vat_recoverable_share": "Btw die wordt teruggekregen",
        "unique_studies": "Verschillende onderzoeken binnen een jaar",
        "energy": "Elektriciteit",
        "power_usage_effectiveness": "Power usage effectiveness (PUE)",
        "lifetime_years": "Levensduur van gekochte hardware",
        "residual_share": "Restwaarde",
        "maintenance_share_per_year": "Onderhoud",
        "discount_rate": "Disconteringsvoet",
        "storage_gib": "Opslag",
        "gpu_rate": "Rekensnelheid van de GPU (dense)",
        "gpu_memory": "Geheugen van de GPU",
        "quantization": "Gewichten",
        "purchase": "Losse kaart, zonder btw",
        "server_quote_eur": "Offerte voor een server, zonder btw",
        "examples": "Benodigde voorbeelden (de wet)",
        "eur_per_usd": "Wisselkoers",
        "equipment_eur": "Prijs van de server",
        "rent_eur_per_hour": "Prijs van een GPU-uur",
        "training_s_per_example": "Snelheid van de training",
        "answering_s_per_study": "Snelheid van het beantwoorden",
    },
)
