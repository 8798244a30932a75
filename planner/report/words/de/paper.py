"""Deutsch. The board paper."""

from planner.report.words.language import PaperWords

PAPER = PaperWords(
    illustration_title="Veranschaulichung. {title}",
    overline="Vorlage für den Finanzausschuss",
    subject="Feinabstimmung eines Bild-Sprach-Modells für die Radiologie: Chance, Jahreskosten und ihre Grundlagen",
    header="Jahreskosten eines Radiologiemodells",
    footer="Plan vom {created} · Kalibrierung {calibration} vom {measured} · Plateau {version}",
    page="Seite {} von {}",
    decision_title="Beschlussvorschlag",
    tile_chance="Chance auf Erreichen",
    tile_chance_note="innerhalb von {horizon} {unit}",
    tile_cost="Kosten im Jahr, wenn erreicht",
    tile_cost_note="8 von 10 · typisch {p50}",
    tile_missed="Ausgaben, wenn verfehlt",
    tile_missed_note="höchstens (9 von 10), bevor wir es wissen",
    tile_budget="Chance im Budget",
    tile_budget_note="von {budget} im Jahr",
    tile_left_out="Nicht beziffert",
    tile_left_out_note="Posten, in keiner dieser Zahlen",
    verdict_title="Urteil",
    asymptote_title="Boden des Loss",
    quality_title="Was das Ziel in Antworten bedeutet",
    next_title="Nächster Schritt",
    left_out_title="Nicht beziffert",
    curve_alt="Diagramm: {kind} gegen {unit}, gemessen und prognostiziert. {count} Messpunkte gehen von {first} "
    "bei {first_x} bis {last} bei {last_x}. Die Prognose bei {horizon} {unit} ist {p50}, 9 von 10 zwischen {p05} "
    "und {p95}. Das Ziel ist {target}. {asymptote}",
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
    curve_axis={
        "examples": "Beispiele",
        "steps": "Optimiererschritte",
        "unknown": "x des Logs",
    },
    curve_measured="gemessen",
    curve_line="Prognose, Mitte",
    curve_band="Prognose, 9 von 10",
    curve_target="Ziel {target}",
    curve_asymptote="Boden, 9 von 10",
    curve_horizon="Horizont",
    cost_heading="Was ein Jahr kostet",
    cost_lead="{scenario}. Jeder Posten folgt aus genannten Zahlen, und die Summe stimmt auf den Cent.",
    cost_columns=["Posten", "Wie berechnet", "Die Zahl ist", "€ im Jahr"],
    cost_total="Summe des Budgetszenarios",
    cost_caption="Posten des Budgetszenarios",
    totals_caption="Spanne der Jahressumme (nicht additiv)",
    totals_lead="Die Spanne kommt aus {draws} Ziehungen aller unsicheren Eingaben zugleich. Ihre Summen sind "
    "nicht additiv: Das P90 einer Summe ist nicht die Summe der P90. Sie stehen neben dem Budgetszenario und "
    "ersetzen keinen seiner Posten. Zwei signifikante Stellen.",
    totals_columns=["Größe", "P10", "P50", "P90"],
    totals_all="€ im Jahr, über alle Ziehungen",
    totals_reached="€ im Jahr, wenn das Ziel erreicht wird",
    totals_hours="GPU-Stunden im Jahr, über alle Ziehungen",
    left_out_heading="Was nicht beziffert ist",
    left_out_lead="Für das Folgende hat niemand einen Betrag genannt ({count}). Es steht in keiner Summe und in "
    "keiner Spanne dieser Vorlage; bei jedem steht, wie der Betrag zu haben ist.",
    options_heading="Optionen im Vergleich",
    options_lead="Dasselbe Ziel auf anderen GPUs, jede mit ihrer günstigsten Quantisierung und Beschaffung. GiB "
    "ist das P95 des Speichers, GPU-Stunden der Median einer Feinabstimmung ({basis}).",
    options_none="Auf jeder GPU wird das Ziel in mindestens 9 von 10 Ziehungen verfehlt, also sind keine Kosten "
    "zu vergleichen.",
    options_refused="Für keine Option lassen sich Kosten angeben; die Gründe stehen unten.",
    options_caption="Jahreskosten nach GPU, Quantisierung und Beschaffung",
    options_columns=["GPU", "Quantisierung", "Miete/Kauf", "GiB", "GPU-Std.", "€ im Jahr, 8 von 10"],
    options_bars="Spanne",
    options_this="dieser Plan",
    options_infeasible="Nicht machbar: {options}.",
    options_more="Weitere Optionen im angehängten Plan: {count}.",
    options_budget="Im Budget",
    risks_heading="Risiken, das größte zuerst",
    risk_missed="Das Ziel wird verfehlt",
    risk_missed_text="Wahrscheinlichkeit {chance}; dann {spent}.",
    risk_hours="GPU-Stunden: {basis}",
    risk_memory="Speicher",
    risk_left_out="Kosten außerhalb jeder Spanne",
    risk_left_out_text="Ohne Betrag: {count} (siehe oben).",
    influence_title="Größter Einfluss auf die Jahreskosten: {label}, {low} bis {high}",
    influence_lead="Jahreskosten mit einer Eingabe bei P10 und bei P90, alle anderen bei ihrem Median.",
    influence_alt="Balkendiagramm der Jahreskosten mit einer Eingabe bei P10 und P90. {bars}.",
    influence_none="Keine einzelne Eingabe ist gezeigt, denn aus diesen Daten folgen keine endlichen Kosten.",
    influence_small="Keine unsichere Eingabe verändert die Jahreskosten um mehr als ihre Rundung.",
    assumptions_heading="Annahmen, mit Quellen und Daten",
    assumptions_lead="Eingaben, auf denen die Zahlen beruhen. Eine Vorgabe ist eine Wahl von Plateau, die "
    "feststeht: Ersetzen Sie sie durch Ihre eigene Zahl. Der angehängte Plan hat alle mit voller Quelle.",
    assumptions_caption="Eingaben des Plans",
    assumptions_columns=["Eingabe", "Wert", "Art, und wie sicher", "Quelle und Datum"],
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
            "einzelner Fit: Tausende Kurven, die die Punkte zulassen, bleiben erhalten, und jede spätere Zahl "
            "wird aus ihnen gezogen. Wo die Punkte den Boden nicht festlegen, sagt diese Vorlage das und nennt "
            "keinen.",
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
            "Sekunden. „Gemessen“ kommt von eben dieser GPU, „extrapoliert“ von einer anderen, „ungemessen“ von "
            "veröffentlichter Auslastung, mit jeweils breiterer Spanne.",
        ),
        (
            "Geld",
            "Jede Ziehung nimmt Beispiele, Tempo, Preis, Wechselkurs und Antwortlänge zusammen und addiert "
            "Versuche, Nachtrainings, Beantwortung, Personal und die Kalibrierung. Ziehungen, die das Ziel nie "
            "erreichen, gelten als unendlich teuer, damit ein Quantil eher fehlt als schmeichelt.",
        ),
    ],
    method_facts="Dieser Plan: {points} Messpunkte, {draws} Ziehungen, Seed {seed}; {model} gemessen auf {device}.",
    glossary_heading="Glossar",
    glossary=[
        ("Budget (eines Laufs)", "Die Beispiele, die ein Kalibrierlauf verarbeiten darf."),
        ("Budgetszenario", "Ein stimmiger Satz von Zahlen; seine Posten summieren sich auf den Cent."),
        ("Ziehung", "Eine vollständige Rechnung mit einem eigenen Wert jeder unsicheren Eingabe."),
        ("Beispiel", "Ein Bild mit seinem Text, einmal im Training gesehen."),
        ("Boden, Asymptote", "Der Loss, den mehr Beispiele derselben Art nicht unterschreiten."),
        ("GPU-Stunde", "Ein Grafikprozessor für eine Stunde."),
        ("Zurückgehalten", "Nach Patient oder Fall beiseitegelegt; nie darauf trainiert."),
        ("Loss", "Wie sehr die richtige Antwort das Modell überrascht, in Nats je Token; tiefer ist besser."),
        ("P10, P50, P90", "Eine, fünf und neun von zehn Ziehungen liegen darunter."),
        ("Quantisierung", "Das eingefrorene Modell in weniger Bits speichern (bf16: 16, nf4: 4)."),
        ("Nachtraining", "Eine Feinabstimmung nach der ersten, auf neueren Untersuchungen."),
        ("Reverse-Charge", "Der Anbieter rechnet ohne USt. ab; das Krankenhaus führt sie selbst ab."),
        ("Versuch", "Eine vollständige Feinabstimmung, angenommen oder nicht."),
    ],
    signature=["Entschieden", "Name", "Datum und Unterschrift"],
    as_of="{date}",
    basis={
        "measured": "gemessen",
        "extrapolated": "extrapoliert",
        "unprobed": "ungemessen",
        "catalog": "datierter Katalog",
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
    severity={
        "note": "Hinweis",
        "warning": "Warnung",
        "blocking": "Blockierend",
    },
    attachment="Der Plan, aus dem diese Vorlage geschrieben ist (JSON)",
    risk_dates="Datierte Eingaben",
    risk_dates_text="Die älteste ist {label}, vom {date}.",
    logo_alt="Logo: {hospital}",
    hospital_unnamed="Krankenhaus",
    totals_carbon="kg CO₂e im Jahr, aus dem Strom",
    years_heading="Auszahlungen je Geschäftsjahr",
    years_caption="Auszahlungen des Budgetszenarios, €; in beiden Richtungen auf den Cent addierbar",
    years_line="Posten",
    years_total="Summe",
    years_all="Alle Jahre",
    years_ranges_lead="Zu jedem Jahr außerdem: seine Bandbreite über alle Ziehungen und der Aufwand, wenn "
    "Hardware und vorausbezahlte Bindungen über ihre Laufzeit verteilt werden. Nichts davon ist mit den "
    "Auszahlungen oben addierbar.",
    years_ranges_caption="Bandbreiten und andere Sichten auf die Jahre (nicht addierbar)",
    years_figure="Kennzahl",
    years_range="Auszahlungen, 8 von 10",
    years_expense="Aufwand, lineare Abschreibung",
    years_within="Chance im Budget",
    years_income="Erlös aus verkaufter Hardware",
    years_loss="Niedrigster Loss, den die Untersuchungen tragen",
    years_more="Weitere Jahre im beigefügten Plan: {count}.",
    options_choice="Welche Option",
    options_break_even="Kaufen oder mieten",
    options_reselection="Jedes Jahr neu wählen",
    options_for_budget="Was das Budget kauft",
    risk_named="{chance} im Jahr; {impact}, wenn es eintritt; im Jahr zu erwarten {expected}.",
    change_heading="Was die Entscheidung ändern würde",
    change_target="Ein anderes Ziel",
    change_target_text="Im selben Horizont erreichen 19 von 20 Prognosen einen Loss von {high} und 1 von 20 einen von "
    "{low}.",
    change_budget="Ein anderes Budget",
    change_budget_text="Wenn das Ziel erreicht wird, reicht ein Jahresbudget von {p90} in 9 von 10 Fällen, eines von "
    "{p50} in der Hälfte.",
    change_run="Ein weiterer Lauf",
    risk_more="Weitere Risiken",
    risk_more_text="Im beigefügten Plan: {count}.",
    comparisons={
        "spend_once_or_yearly": "Einmal oder jedes Jahr ausgeben",
        "adapter_per_modality_or_joint": "Ein Adapter je Modalität oder ein gemeinsames Modell",
    },
    assumptions_lines={
        "typed": "Eingegeben",
        "default": "Vorgaben von Plateau, fest",
    },
    stale="veraltet",
)
