"""Deutsch."""

from planner.report.words.language import AnswerWords, NumberWords, PaperWords, Words

WORDS = Words(
    locale="de_DE",
    language="de",
    numbers=NumberWords(
        not_reached="nicht erreicht",
        unknown="unbekannt",
        under="unter {}",
        over="über {}",
        or_more="{} oder mehr",
        to="{} bis {}",
        about="etwa {}",
    ),
    answer=AnswerWords(
        headline={
            "REACHABLE": "Ein Loss von {target} ist erreichbar, wahrscheinlich für {cost} im Jahr",
            "UNREACHABLE": "Ein Loss von {target} ist außer Reichweite; {lowest} ist etwa das Tiefste, was diese "
            "Daten "
            "tragen",
            "NOT_ENOUGH_DATA": "Ein Loss von {target} braucht mehr Untersuchungen, als es geben wird",
            "UNDECIDED": "Diese Läufe sagen noch nicht, ob ein Loss von {target} erreichbar ist",
        },
        decision={
            "REACHABLE": "Genehmigen Sie {total} im Jahr, das Budgetszenario dieser Vorlage, um {model} auf den "
            "eigenen "
            "Bildern der Abteilung feinzuabstimmen ({setup}), im Wissen, dass das Jahr bis zu {p90} kosten kann "
            "(9 von 10).",
            "UNREACHABLE": "Finanzieren Sie dieses Ziel mit dieser Konfiguration nicht. Wählen Sie zwischen einem "
            "Ziel, "
            "das diese Daten tragen, und der Kalibrierung einer anderen Konfiguration.",
            "NOT_ENOUGH_DATA": "Finanzieren Sie dieses Ziel noch nicht. Entscheiden Sie, ob mehr verschiedene "
            "Untersuchungen zu haben sind.",
            "UNDECIDED": "Entscheiden Sie noch nicht über ein Jahresbudget. Entscheiden Sie, ob ein weiterer "
            "Kalibrierlauf bezahlt wird, der die Frage eingrenzt.",
        },
        next_step={
            "REACHABLE": "Einmal feinabstimmen, den Loss auf zurückgehaltenen Untersuchungen messen und mit dem "
            "Band der "
            "Kurve vergleichen, bevor der zweite Versuch bezahlt wird.",
            "UNREACHABLE": "Ein Ziel über dem Boden verlangen oder eine andere Konfiguration kalibrieren (größere "
            "Bilder, "
            "mehr angepasste Schichten, ein anderes Modell); mehr Beispiele von dieser helfen nicht.",
            "NOT_ENOUGH_DATA": "Mehr verschiedene Untersuchungen sammeln oder ein Ziel verlangen, das die "
            "vorhandenen "
            "erlauben; dieselben Untersuchungen öfter zu zeigen ersetzt keine neuen.",
            "UNDECIDED": "Ein Budget rechnen, das doppelt so groß ist wie das bisher größte, und neu planen; bis "
            "dahin "
            "sind alle Kosten des Erreichens bedingt.",
        },
        next_blocked="Zuerst klären, was blockiert: {finding}",
        decision_illustration="Keine. Diese Vorlage zeigt den Weg mit einem kleinen Ersatzmodell. Auf ihren Zahlen "
        "darf "
        "keine Entscheidung beruhen; kalibrieren Sie zuerst PaliGemma auf einer GPU.",
        decision_memory="Wählen Sie eine andere GPU oder eine andere Quantisierung: {memory}",
        blocked="Was folgt, ist Rechnung, keine Prognose, auf die man bauen kann: Die Diagnose dieser Läufe "
        "blockiert ein Urteil.",
        chance="Einen Loss von {target} innerhalb von {horizon} {unit} erreichen: {chance}.",
        cost="Wenn erreicht, wahrscheinlich {cost} im Jahr, 8 von 10; wenn nicht, {spent}.",
        cost_never="Was das Erreichen kosten würde, ist nicht zu sagen, denn kaum eine Prognose erreicht es; bis "
        "dahin "
        "{spent}.",
        cost_unbounded="Wenn erreicht, {cost} im Jahr, ohne obere Grenze, die diese Daten tragen; wenn nicht, {spent}.",
        spent="sind höchstens {spent} ausgegeben, bevor wir es wissen",
        spent_unbounded="ist nicht begrenzt, was ausgegeben wird, bevor wir es wissen",
        within_budget="Die Chance, innerhalb von {budget} im Jahr zu bleiben, ist {chance}.",
        lowest="Der tiefste Loss, den diese Daten innerhalb von {horizon} {unit} tragen, ist etwa {p50} (9 von 10: "
        "{p05} "
        "bis {p95}).",
        no_p90="nicht erreicht in mindestens 1 von 10 Ziehungen: kein P90",
        no_p50="nicht erreicht in mindestens der Hälfte der Ziehungen: kein P50",
        no_p10="nicht erreicht in mindestens 9 von 10 Ziehungen: kein P10",
        not_costed="{count} Posten, nach denen ein Vorstand fragt, haben noch keinen Betrag und stehen in keiner "
        "Summe: "
        "{labels}.",
        not_costed_one="Ein Posten, nach dem ein Vorstand fragt, hat noch keinen Betrag und steht in keiner Summe: "
        "{labels}.",
        nothing_left_out="Jeder Posten, den diese Vorlage kennt, hat einen Betrag.",
        illustration="Veranschaulichung, nicht PaliGemma-3B",
        quality_unknown="Was dieser Loss in Antworten bedeutet, ist nicht bekannt: Die Kalibrierung hat keine "
        "Antworten "
        "bei zwei oder mehr Budgets um ihn herum.",
        curve_title={
            "IDENTIFIED": "Mehr Beispiele senken den Loss, bis auf einen Boden, den die Läufe festlegen",
            "NOT_IDENTIFIED": "Mehr Beispiele senken den Loss; wo das endet, sagen diese Läufe nicht",
        },
        total="Das Budgetszenario summiert sich auf {total} im Jahr.",
        no_lines="Es gibt kein Budgetszenario, denn aus diesen Daten folgen keine Kosten des Erreichens.",
    ),
    paper=PaperWords(
        illustration_title="Veranschaulichung. {title}",
        overline="Vorlage für den Finanzausschuss",
        subject="Feinabstimmung eines Bild-Sprach-Modells für die Radiologie: Chance, Jahreskosten und ihre Grundlagen",
        header="Jahreskosten eines Radiologiemodells",
        footer="Plan vom {created} · Kalibrierung {calibration} vom {measured} · Plateau {version}",
        page="Seite {} von {}",
        decision_title="Erbetene Entscheidung",
        tile_chance="Chance, es zu erreichen",
        tile_chance_note="innerhalb von {horizon} {unit}",
        tile_cost="Kosten im Jahr, wenn erreicht",
        tile_cost_note="8 von 10 · typisch {p50}",
        tile_missed="Weg, wenn verfehlt",
        tile_missed_note="höchstens (9 von 10), bevor wir es wissen",
        tile_budget="Chance im Budget",
        tile_budget_note="von {budget} im Jahr",
        tile_left_out="Nicht beziffert",
        tile_left_out_note="Posten, in keiner dieser Zahlen",
        verdict_title="Urteil",
        asymptote_title="Boden des Loss",
        quality_title="Was das Ziel in Antworten bedeutet",
        next_title="Was als Nächstes zu tun ist",
        left_out_title="Nicht beziffert",
        curve_alt="Diagramm: {kind} gegen {unit}, gemessen und prognostiziert. {count} Messpunkte gehen von {first} "
        "bei "
        "{first_x} bis {last} bei {last_x}. Die Prognose bei {horizon} {unit} ist {p50}, 9 von 10 zwischen {p05} und "
        "{p95}. Das Ziel ist {target}. {asymptote}",
        curve_loss={
            "held_out": "Loss auf zurückgehaltenen Untersuchungen, Nats je Suffix-Token",
            "training": "Trainingsloss, Nats je Suffix-Token",
            "unknown": "Loss (unbekannt welcher), Nats je Suffix-Token",
        },
        curve_x={
            "examples": "Beispielen",
            "steps": "Optimiererschritten",
            "unknown": "Einheiten der x-Achse des Logs",
        },
        curve_axis={"examples": "Beispiele", "steps": "Optimiererschritte", "unknown": "x des Logs"},
        curve_measured="gemessen",
        curve_line="Prognose, Mitte",
        curve_band="Prognose, 9 von 10",
        curve_target="Ziel {target}",
        curve_asymptote="Boden, 9 von 10",
        curve_horizon="Horizont",
        cost_heading="Was ein Jahr kostet",
        cost_lead="{scenario}. Jeder Posten ist ein Produkt genannter Zahlen, und die Posten summieren sich auf den "
        "Cent.",
        cost_columns=["Posten", "Wie berechnet", "Die Zahl ist", "€ im Jahr"],
        cost_total="Summe des Budgetszenarios",
        cost_caption="Posten des Budgetszenarios",
        totals_lead="Die Spanne kommt aus {draws} Ziehungen aller unsicheren Eingaben zugleich. Ihre Summen sind "
        "nicht "
        "additiv: Das P90 einer Summe ist nicht die Summe der P90. Sie stehen neben dem Budgetszenario und ersetzen "
        "keinen "
        "seiner Posten. Zwei signifikante Stellen.",
        totals_caption="Spanne der Jahressumme (nicht additiv)",
        totals_columns=["Größe", "P10", "P50", "P90"],
        totals_all="€ im Jahr, über alle Ziehungen",
        totals_reached="€ im Jahr, wenn das Ziel erreicht wird",
        totals_hours="GPU-Stunden im Jahr, über alle Ziehungen",
        left_out_heading="Was nicht beziffert ist",
        left_out_lead="Für das Folgende hat niemand einen Betrag genannt ({count}). Es steht in keiner Summe und in "
        "keiner "
        "Spanne dieser Vorlage; bei jedem steht, wie der Betrag zu haben ist.",
        options_heading="Optionen im Vergleich",
        options_lead="Dasselbe Ziel auf anderen GPUs, jede mit ihrer günstigsten Quantisierung und Beschaffung. GiB "
        "ist das "
        "P95 des Speichers, GPU-Stunden der Median einer Feinabstimmung ({basis}).",
        options_none="Auf jeder GPU wird das Ziel in mindestens 9 von 10 Ziehungen verfehlt, also sind keine Kosten "
        "zu vergleichen.",
        options_caption="Jahreskosten nach GPU, Quantisierung und Beschaffung",
        options_columns=["GPU", "Quantisierung", "Miete/Kauf", "GiB", "GPU-Std.", "€ im Jahr, 8 von 10"],
        options_bars="Spanne",
        options_this="dieser Plan",
        options_infeasible="Nicht machbar: {options}.",
        options_more="Weitere Optionen im angehängten Plan: {count}.",
        options_budget="Im Budget",
        risks_heading="Risiken und was die Entscheidung ändern würde",
        risk_missed="Das Ziel wird verfehlt",
        risk_missed_text="Chance {chance}; dann {spent}.",
        risk_hours="GPU-Stunden: {basis}",
        risk_memory="Speicher",
        risk_left_out="Kosten außerhalb jeder Spanne",
        risk_left_out_text="Ohne Betrag: {count} (siehe oben).",
        influence_title="{label} bewegt die Jahreskosten am meisten: {low} bis {high}",
        influence_lead="Jahreskosten mit einer Eingabe bei P10 und bei P90, alle anderen bei ihrem Median.",
        influence_alt="Balkendiagramm der Jahreskosten mit einer Eingabe bei P10 und P90. {bars}.",
        influence_none="Keine einzelne Eingabe ist gezeigt, denn aus diesen Daten folgen keine endlichen Kosten.",
        influence_small="Keine unsichere Eingabe bewegt die Jahreskosten um mehr als ihre Rundung.",
        assumptions_heading="Annahmen, mit Quellen und Daten",
        assumptions_lead="Eingaben, auf denen die Zahlen beruhen. Eine Vorgabe ist eine Wahl von Plateau, die nicht "
        "gezogen wird: Ersetzen Sie sie durch Ihre eigene Zahl. Der angehängte Plan hat alle mit voller Quelle.",
        assumptions_caption="Eingaben des Plans",
        assumptions_columns=["Eingabe", "Wert", "Wie sicher", "Art", "Quelle und Datum"],
        assumptions_more="Weitere Eingaben im angehängten Plan: {count}.",
        method_heading="Methode",
        method=[
            (
                "Kalibrierung",
                "Einige kurze Feinabstimmungen (Budgets) des Modells mit Low-Rank-Adaptern (LoRA), jede mit zu Ende "
                "geführter Lernrate, werden auf Untersuchungen gemessen, auf denen kein Lauf trainiert.",
            ),
            (
                "Gesetz",
                "Die Endwerte folgen Loss = a · Beispiele^(−b) + c. Exponent, Boden c und Rauschen sind kein "
                "einzelner "
                "Fit: Tausende Kurven, die die Punkte zulassen, bleiben erhalten, und jede spätere Zahl wird aus "
                "ihnen "
                "gezogen. Wo die Punkte den Boden nicht festlegen, sagt diese Vorlage das und nennt keinen.",
            ),
            (
                "Horizont",
                "Eine Aussage reicht nicht weiter als die geprüfte Extrapolation (64-mal das größte Budget), die "
                "künftigen Untersuchungen und das Geld. Das Urteil ist der Anteil der Kurven, die das Ziel darin "
                "erreichen: erreichbar ab 90 %, unerreichbar bei höchstens 10 %, wenn der Boden der Grund ist.",
            ),
            (
                "Stunden und Speicher",
                "Operationen und Bytes eines Schritts werden geschlossen gezählt; Probemessungen machen daraus "
                "Sekunden. "
                "„Gemessen“ kommt von eben dieser GPU, „extrapoliert“ von einer anderen, „ungemessen“ von "
                "veröffentlichter Auslastung, mit jeweils breiterer Spanne.",
            ),
            (
                "Geld",
                "Jede Ziehung nimmt Beispiele, Tempo, Preis, Wechselkurs und Antwortlänge zusammen und addiert "
                "Versuche, "
                "Nachtrainings, Beantwortung, Personal und die Kalibrierung. Ziehungen, die das Ziel nie erreichen, "
                "gelten als unendlich teuer, damit ein Quantil eher fehlt als schmeichelt.",
            ),
        ],
        method_facts="Dieser Plan: {points} Messpunkte, {draws} Ziehungen, Seed {seed}; {model} gemessen auf {device}.",
        glossary_heading="Glossar",
        glossary=[
            ("Budget (eines Laufs)", "Die Beispiele, die ein Kalibrierlauf verarbeiten darf."),
            ("Beispiel", "Ein Bild mit seinem Text, einmal im Training gesehen."),
            ("Boden, Asymptote", "Der Loss, den mehr Beispiele derselben Art nicht unterschreiten."),
            ("GPU-Stunde", "Ein Grafikprozessor für eine Stunde."),
            ("Zurückgehalten", "Nach Patient oder Fall beiseitegelegt; nie darauf trainiert."),
            ("Loss", "Wie sehr die richtige Antwort das Modell überrascht, in Nats je Token; tiefer ist besser."),
            ("P10, P50, P90", "Eine, fünf und neun von zehn Ziehungen liegen darunter."),
            ("Quantisierung", "Das eingefrorene Modell in weniger Bits speichern (bf16: 16, nf4: 4)."),
            ("Nachtraining", "Eine Feinabstimmung nach der ersten, auf neueren Untersuchungen."),
            ("Versuch", "Eine vollständige Feinabstimmung, angenommen oder nicht."),
        ],
        signature=["Entschieden", "Name", "Datum und Unterschrift"],
        as_of="{date}",
        basis={
            "measured": "gemessen",
            "extrapolated": "extrapoliert",
            "unprobed": "ungemessen",
            "catalog": "Katalog",
            "datasheet": "Datenblatt",
            "typed": "eingegeben",
            "default": "Vorgabe",
            "assumption": "Annahme",
        },
        tenure={
            "on_demand": "auf Abruf",
            "spot": "Spot",
            "commitment_1_year": "Miete 1 Jahr",
            "commitment_3_years": "Miete 3 Jahre",
            "buy": "Kauf",
        },
        severity={"note": "Hinweis", "warning": "Warnung", "blocking": "Blockierend"},
        attachment="Der Plan, aus dem diese Vorlage geschrieben ist (JSON)",
        risk_dates="Datierte Eingaben",
        risk_dates_text="Die älteste ist {label}, vom {date}.",
        plan_language="Sätze auf Englisch stammen wörtlich aus dem Plan.",
    ),
    labels={
        "staff": "Eigenes Personal",
        "serving": "Untersuchungen beantworten",
        "serving_rent": "Untersuchungen beantworten, gemietete GPU",
        "tuning_rent": "Feinabstimmung, gemietete GPU",
        "calibration": "Die Kalibrierung selbst",
        "calibration_rent": "Die Kalibrierung selbst, gemietete GPU",
        "equipment": "Server, jährliche Annuität",
        "maintenance": "Wartung und Support",
        "electricity": "Strom, ohne MwSt.",
        "storage": "Speicherplatz",
        "vat": "MwSt., die nicht erstattet wird",
        "deidentification": "Bilder und Befunde de-identifizieren",
        "labelling": "Labeln und Durchsicht der Befunde durch Radiologen",
        "clinical_validation": "Klinische Validierung",
        "compliance": "MDR, KI-Verordnung, DSFA und Sicherheit",
        "pacs_integration": "Anbindung an PACS und RIS",
        "downtime": "Ausfall und Rückfallebene",
        "decommissioning": "Außerbetriebnahme",
        "model": "Modell, für das Stunden und Speicher gerechnet sind",
        "seconds_per_example": "Sekunden je Beispiel im Training",
        "evaluation_share": "Auswertung während des Trainings",
        "loading_share": "Start und Checkpoints",
        "serving_batch": "Gemeinsam beantwortete Untersuchungen",
        "serving_start_s": "Start der täglichen Antwortrunde",
        "price": "GPU-Stunde, ohne MwSt.",
        "usd_per_eur": "US-Dollar für einen Euro",
        "trials": "Versuche, bis eine Feinabstimmung angenommen ist",
        "retunings_per_year": "Nachtrainings im Jahr",
        "retuning_share": "Beispiele eines Nachtrainings, Anteil am ersten",
        "studies_per_day": "Zu beantwortende Untersuchungen am Tag",
        "answer_tokens": "Länge einer Antwort",
        "staff_hours_per_year": "Eigenes Personal",
        "staff_eur_per_hour": "Volle Kosten einer Personalstunde",
        "vat_rate": "MwSt.",
        "vat_recoverable_share": "MwSt., die erstattet wird",
        "unique_studies": "Verschiedene Untersuchungen innerhalb eines Jahres",
        "energy": "Strom",
        "power_usage_effectiveness": "Power Usage Effectiveness (PUE)",
        "lifetime_years": "Lebensdauer gekaufter Hardware",
        "residual_share": "Restwert",
        "maintenance_share_per_year": "Wartung",
        "discount_rate": "Diskontsatz",
        "storage_gib": "Speicherplatz",
        "gpu_rate": "Rechenrate der GPU (dense)",
        "gpu_memory": "Speicher der GPU",
        "quantization": "Gewichte",
        "purchase": "Einzelne Karte, ohne MwSt.",
        "server_quote_eur": "Angebot für einen Server, ohne MwSt.",
        "examples": "Benötigte Beispiele (das Gesetz)",
        "eur_per_usd": "Wechselkurs",
        "equipment_eur": "Preis des Servers",
        "rent_eur_per_hour": "Preis einer GPU-Stunde",
        "training_s_per_example": "Tempo des Trainings",
        "answering_s_per_study": "Tempo der Beantwortung",
    },
)
