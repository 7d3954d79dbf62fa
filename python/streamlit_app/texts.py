"""What is said, in the two languages; the first of a pair is Spanish."""

LANGUAGES = {"es": "Español", "en": "English"}
TEXTS = {
    "title": ("PQRS: tablero ejecutivo", "PQRS: executive dashboard"),
    "language": ("Idioma", "Language"),
    "types": ("Tipos", "Types"),
    "period": ("Periodo", "Period"),
    "days": ("últimos {} días", "last {} days"),
    "all": ("todo", "everything"),
    "between": ("del {} al {}", "from {} to {}"),
    "source": ("Datos", "Data"),
    "nothing": ("Aún no hay cifras publicadas en {}. `pqr run` las publica. ({})", "No figures are published in {} yet. `pqr run` publishes them. ({})"),
    "no_type": ("Elija al menos un tipo.", "Choose at least one type."),
    "overview": ("Resumen", "Overview"),
    "compliance": ("Cumplimiento", "Compliance"),
    "territory": ("Territorio", "Territory"),
    "cases": ("Casos", "Cases"),
    "lake": ("Salud del lago", "Lakehouse health"),
    "created": ("Radicadas", "Created"),
    "closed": ("Cerradas", "Closed"),
    "within": ("Dentro del término", "Within the term"),
    "open": ("Abiertas", "Open"),
    "overdue": ("Vencidas", "Overdue"),
    "soon": ("Vencen en 2 días", "Due within 2 days"),
    "change_help": ("Cambio frente al periodo anterior de igual duración", "Change against the period of the same length before"),
    "within_help": ("De las cerradas en el periodo, las respondidas hasta su fecha de vencimiento legal", "Of those closed in the period, those answered by their legal due date"),
    "open_help": ("Sin cerrar al final del último día", "Not closed at the end of the last day"),
    "volume_day": ("Radicadas por día y tipo", "Created by day and type"),
    "volume_channel": ("Por canal", "By channel"),
    "backlog_day": ("Abiertas al final de cada día", "Open at the end of each day"),
    "by_month": ("Dentro del término por mes de cierre (%)", "Within the term by month of closing (%)"),
    "late_day": ("Respondidas tarde por día", "Answered late by day"),
    "days_late": ("Días de retraso (media)", "Days late (mean)"),
    "late": ("Tarde", "Late"),
    "late_pct": ("% tarde", "% late"),
    "department": ("Departamento", "Department"),
    "open_dept": ("Abiertas por departamento", "Open by department"),
    "by_dept": ("Cifras por departamento", "Figures by department"),
    "left": ("Días hábiles que quedan", "Business days left"),
    "left_chart": ("Sin respuesta, por días hábiles que quedan", "Unanswered, by business days left"),
    "left_help": ("Menos de 0: vencida. De todos los tipos, al final del último día.", "Below 0: overdue. Of all types, at the end of the last day."),
    "urgent": ("Sin respuesta: las más urgentes", "Unanswered: the most urgent"),
    "ticket": ("Radicado", "Ticket"),
    "status": ("Estado", "Status"),
    "updated": ("Última novedad", "Last news"),
    "term": ("Término", "Term"),
    "explain": ("Por qué vence cuándo: `pqr explain {}`", "Why it is due when: `pqr explain {}`"),
    "tables": ("Tablas publicadas", "Published tables"),
    "runs": ("Corridas", "Runs"),
    "checks": ("Controles de calidad de la última corrida", "Quality checks of the newest run"),
    "no_runs": ("Este usuario no ve las corridas (rol `pqr_bi`): `pqr runs`, o el tablero de operaciones de Grafana.", "This login does not see runs (role `pqr_bi`): `pqr runs`, or Grafana's operations dashboard."),
    "streams": ("Flujos", "Streams"),
    "newest": ("Día más reciente", "Newest day"),
    "age": ("días hasta hoy", "days before today"),
    "day": ("día", "day"),
    "month": ("mes", "month"),
    "type": ("tipo", "type"),
    "channel": ("canal", "channel"),
    "tickets": ("solicitudes", "tickets"),
    "RECEIVED": ("Recibido", "Received"),
    "RADICATED": ("Radicado", "Radicated"),
    "CLASSIFIED": ("Clasificado", "Classified"),
    "ASSIGNED": ("Asignado", "Assigned"),
    "IN_PROGRESS": ("En gestión", "In progress"),
    "ON_HOLD": ("En espera", "On hold"),
    "REOPENED": ("Reabierto", "Reopened"),
    "P": ("Peticiones", "Petitions"),
    "Q": ("Quejas", "Complaints"),
    "R": ("Reclamos", "Claims"),
    "S": ("Sugerencias", "Suggestions"),
    "email": ("correo", "e-mail"),
    "webform": ("formulario", "web form"),
    "chat": ("chat", "chat"),
    "call": ("llamada", "call"),
    "other_digital": ("otro digital", "other digital"),
}


def texts(language):
    """say("open") and say("days", 30) in a language; a word that is not here is said as it is."""
    place = list(LANGUAGES).index(language)

    def say(name, *values):
        return TEXTS[name][place].format(*values) if name in TEXTS else name

    return say


MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
DAYS = "domingo lunes martes miércoles jueves viernes sábado".split()
# What charts need to know of Spanish, in d3's words; English they know.
LOCALES = {
    "es": {
        "locale": {
            "number": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["$", ""]},
            "time": {
                "dateTime": "%A, %e de %B de %Y, %X", "date": "%d/%m/%Y", "time": "%H:%M:%S", "periods": ["a. m.", "p. m."],
                "days": DAYS, "shortDays": [d[:3] for d in DAYS], "months": MONTHS, "shortMonths": [m[:3] for m in MONTHS],
            },
        },
    },
    "en": {},
}


def number(value, language, decimals=0):
    text = f"{value:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "es" else text
