"""Deutsch. The answer, its title and the decision asked."""

from planner.report.words.language import AnswerWords

ANSWER = AnswerWords(
    headline={
        "REACHABLE": "Ein Loss von {target} ist erreichbar, wahrscheinlich für {cost} im Jahr",
        "UNREACHABLE": "Ein Loss von {target} ist außer Reichweite; diese Daten geben bestenfalls etwa {lowest} her",
        "NOT_ENOUGH_DATA": "Ein Loss von {target} braucht mehr Untersuchungen, als es geben wird",
        "UNDECIDED": "Diese Läufe sagen noch nicht, ob ein Loss von {target} erreichbar ist",
    },
    decision={
        "REACHABLE": "Genehmigen Sie {total} im Jahr, das Budgetszenario dieser Vorlage, um {model} auf den "
        "eigenen Bildern der Abteilung feinzuabstimmen ({setup}), im Wissen, dass das Jahr bis zu {p90} kosten "
        "kann (in 9 von 10 Fällen).",
        "UNREACHABLE": "Finanzieren Sie dieses Ziel mit dieser Konfiguration nicht. Wählen Sie zwischen einem "
        "Ziel, das diese Daten hergeben, und der Kalibrierung einer anderen Konfiguration.",
        "NOT_ENOUGH_DATA": "Finanzieren Sie dieses Ziel noch nicht. Entscheiden Sie, ob mehr verschiedene "
        "Untersuchungen zu haben sind.",
        "UNDECIDED": "Entscheiden Sie noch nicht über ein Jahresbudget. Entscheiden Sie, ob ein weiterer "
        "Kalibrierlauf bezahlt wird, der die Frage eingrenzt.",
    },
    next_step={
        "REACHABLE": "Einmal feinabstimmen, den Loss auf zurückgehaltenen Untersuchungen messen und mit dem Band "
        "der Kurve vergleichen, bevor der zweite Versuch bezahlt wird.",
        "UNREACHABLE": "Ein Ziel über dem Boden verlangen oder eine andere Konfiguration kalibrieren (größere "
        "Bilder, mehr angepasste Schichten, ein anderes Modell); mehr Beispiele von dieser helfen nicht.",
        "NOT_ENOUGH_DATA": "Mehr verschiedene Untersuchungen sammeln oder ein Ziel verlangen, das die "
        "vorhandenen erlauben; dieselben Untersuchungen öfter zu zeigen ersetzt keine neuen.",
        "UNDECIDED": "Einen Lauf mit einem Budget rechnen, das doppelt so groß ist wie das bisher größte, und neu "
        "planen; bis dahin gelten alle Kosten nur, wenn das Ziel erreicht wird.",
    },
    next_blocked="Zuerst klären, was blockiert: {finding}",
    decision_illustration="Keiner. Diese Vorlage zeigt den Weg mit einem kleinen Ersatzmodell. Auf ihren Zahlen "
    "darf keine Entscheidung beruhen; kalibrieren Sie zuerst PaliGemma auf einer GPU.",
    decision_memory="Wählen Sie eine andere GPU oder eine andere Quantisierung: {memory}",
    blocked="Was folgt, ist eine Rechnung, keine Prognose, auf die man bauen kann: Die Diagnose dieser Läufe "
    "blockiert ein Urteil.",
    chance_blocked="nicht genannt",
    chance="Einen Loss von {target} innerhalb von {horizon} {unit} erreichen: {chance}.",
    cost="Gelingt es, kostet es wahrscheinlich {cost} im Jahr (in 8 von 10 Fällen); wenn nicht, {spent}.",
    cost_never="Was das Erreichen kosten würde, ist nicht zu sagen, denn kaum eine Prognose erreicht es; "
    "dabei {spent}.",
    cost_unbounded="Gelingt es, kostet es {cost} im Jahr, ohne Obergrenze, die diese Daten hergeben; wenn "
    "nicht, {spent}.",
    spent="sind höchstens {spent} ausgegeben, bevor wir es wissen",
    spent_unbounded="ist nicht begrenzt, was ausgegeben wird, bevor wir es wissen",
    within_budget="Die Wahrscheinlichkeit, innerhalb von {budget} im Jahr zu bleiben, ist {chance}.",
    lowest="Der niedrigste Loss, den diese Daten innerhalb von {horizon} {unit} hergeben, ist etwa {p50} (in 9 von "
    "10 Fällen {p05} bis {p95}).",
    no_p90="nicht erreicht in mindestens 1 von 10 Ziehungen: kein P90",
    no_p50="nicht erreicht in mindestens der Hälfte der Ziehungen: kein P50",
    no_p10="nicht erreicht in mindestens 9 von 10 Ziehungen: kein P10",
    not_costed="{count} Posten, nach denen ein Gremium fragt, haben noch keinen Betrag und stehen in keiner "
    "Summe: {labels}.",
    not_costed_one="Ein Posten, nach dem ein Gremium fragt, hat noch keinen Betrag und steht in keiner Summe: "
    "{labels}.",
    not_costed_count="{count} Posten, nach denen ein Gremium fragt, haben noch keinen Betrag und stehen in keiner "
    "Summe; sie stehen unter „{heading}“.",
    nothing_left_out="Jeder Posten, den diese Vorlage kennt, hat einen Betrag.",
    verdict_of_adapters="{verdict} Das gilt für einen Adapter auf allen Untersuchungen; ein Adapter je Modalität "
    "hat weniger davon, und die Wahrscheinlichkeit, dass alle es erreichen, ist {chance}.",
    illustration="Veranschaulichung, nicht PaliGemma-3B",
    quality_unknown="Was dieser Loss in Antworten bedeutet, ist nicht bekannt: Die Kalibrierung hat keine "
    "Antworten bei zwei oder mehr Budgets um ihn herum.",
    curve_title={
        "IDENTIFIED": "Mehr Beispiele senken den Loss, bis auf einen Boden zwischen {low} und {high}",
        "NOT_IDENTIFIED": "Mehr Beispiele senken den Loss; wo das endet, sagen diese Läufe nicht",
        "BLOCKED": "Gemessene Werte und eine Prognose, der die Diagnose nicht traut",
    },
    total="Das Budgetszenario summiert sich auf {total} im Jahr.",
    no_lines="Es gibt kein Budgetszenario, denn aus diesen Daten folgen keine Kosten des Erreichens.",
)
