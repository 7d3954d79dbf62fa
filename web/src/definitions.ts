// What each figure means, in both languages: the dashboard's texts, and what /api/v1/definitions answers (definitions.json, made by the build).
export const figureWords = {
  f_range: ['Días con datos', 'Days with data'],
  f_volume: ['Recibidos por día', 'Received by day'],
  f_channels: ['Por canal', 'By channel'],
  f_priorities: ['Por prioridad', 'By priority'],
  f_types: ['Por tipo', 'By type'],
  f_sla: ['Cumplimiento por día de cierre', 'Compliance by closing day'],
  f_backlog: ['Sin cerrar al final de cada día', 'Open at the end of each day'],
  f_age: ['Antigüedad de lo que está sin cerrar', 'Age of what is open'],
  f_risk: ['Casos sin respuesta por riesgo', 'Unanswered cases by risk'],
  f_due: ['Lo que vence cada día', 'What falls due each day'],
  f_lateWhere: ['Vencidos por departamento', 'Overdue by department'],
  f_lateWhy: ['Vencidos por tipo y estado', 'Overdue by type and status'],
  f_geoVolume: ['Recibidos', 'Received'],
  f_geoSla: ['Cumplimiento del término', 'Answered in the legal term'],
  f_geoBacklog: ['Sin cerrar', 'Open'],
  f_events: ['Eventos por minuto y tipo', 'Events by minute and type'],
  f_newest: ['Última ventana', 'Newest window'],
  f_logins: ['Ingresos por minuto y fuente', 'Logins by minute and source'],
  f_purchases: ['Compras por minuto', 'Purchases by minute'],
  f_daily: ['Días de la capa por lotes', 'Days of the batch layer'],
  f_cases: ['Casos sin respuesta', 'Unanswered cases'],

  d_range: ['Primer y último día de las series publicadas.', 'First and last day of the published series.'],
  d_volume: [
    'Casos creados cada día (día local de creación), por tipo. La cifra del periodo es la suma; el cambio la compara con los mismos días justo antes.',
    'Cases created on each day (local day of creation), by type. The figure of the period is their sum; the change compares it with as many days just before.',
  ],
  d_channels: ['Casos creados en el periodo, por canal de entrada.', 'Cases created in the period, by the channel they came through.'],
  d_priorities: ['Casos creados en el periodo, por prioridad.', 'Cases created in the period, by priority.'],
  d_sla: [
    'Casos cerrados cada día. Cumplimiento = 100 · (cerrados − respondidos después de vencer) / cerrados. El veredicto es de la respuesta, el día es el del cierre.',
    'Cases closed on each day. Compliance = 100 · (closed − answered after the due date) / closed. The verdict is of the answer, the day that of the closing.',
  ],
  d_backlog: [
    'Casos creados hasta ese día y no cerrados hasta ese día. Incluye los ya respondidos que esperan su cierre. La cifra del periodo es la de su último día.',
    'Cases created up to that day and not closed up to it. It includes those answered that wait for their closing. The figure of the period is that of its last day.',
  ],
  d_age: [
    'Casos abiertos a la fecha de los datos, por días hábiles corridos desde la radicación, sin los días en espera; hasta la respuesta en los ya respondidos.',
    'Cases open as of the data, by business days run since they were filed, without days on hold; up to the answer for those answered.',
  ],
  d_risk: [
    'Casos sin respuesta a la fecha de los datos. Vencido: pasó su fecha límite. Por vencer: quedan 2 días hábiles o menos. Los filtros actúan; el periodo no.',
    'Cases unanswered as of the data. Overdue: past the due date. Due soon: 2 business days or fewer are left. Filters apply; the period does not.',
  ],
  d_due: [
    'Casos sin respuesta por el día en que vence su término legal. Los de un día quedan vencidos al terminar ese día si nadie los responde.',
    'Unanswered cases by the day on which their legal term ends. Those of a day are late when that day is over, unless they are answered.',
  ],
  d_lateWhere: ['Casos vencidos sin respuesta, por departamento.', 'Overdue and unanswered cases, by department.'],
  d_lateWhy: ['Casos vencidos sin respuesta, por tipo y por el estado en que se encuentran.', 'Overdue and unanswered cases, by type and by the status they stand in.'],
  d_geoVolume: ['Casos creados en el periodo, por lugar.', 'Cases created in the period, by place.'],
  d_geoSla: ['Casos cerrados en el periodo, por lugar. Cumplimiento = 100 · (cerrados − respondidos después de vencer) / cerrados.', 'Cases closed in the period, by place. Compliance = 100 · (closed − answered after the due date) / closed.'],
  d_geoBacklog: ['Casos creados y no cerrados al final del último día del periodo, por lugar.', 'Cases created and not closed at the end of the last day of the period, by place.'],
  d_events: ['Eventos de cada minuto según la hora del evento. Cada evento se cuenta exactamente una vez.', 'Events of each minute of event time. Each event is counted exactly once.'],
  d_newest: ['El minuto más reciente con eventos.', 'The newest minute that has events.'],
  d_logins: ['Ingresos de cada minuto, por fuente.', 'Logins of each minute, by source.'],
  d_purchases: ['Compras de cada minuto.', 'Purchases of each minute.'],
  d_daily: ['Usuarios activos del día, compras, y tasa de conversión = compradores distintos / usuarios activos.', 'Active users of the day, purchases, and conversion rate = distinct buyers / active users.'],
  d_cases: ['Casos sin respuesta a la fecha de los datos, por fecha límite.', 'Cases unanswered as of the data, by due date.'],
} as const

type Both = readonly [string, string]
export type FigureId = keyof typeof figureWords extends infer K ? (K extends `d_${infer Id}` ? Id : never) : never

const cases: Both = ['casos', 'cases']
const compliance: Both = ['casos; el cumplimiento, en %', 'cases; compliance in %']
export const units: Record<FigureId, Both> = {
  range: ['día', 'day'],
  volume: cases,
  channels: cases,
  priorities: cases,
  sla: compliance,
  backlog: cases,
  age: ['casos, por días hábiles', 'cases, by business days'],
  risk: cases,
  due: cases,
  lateWhere: cases,
  lateWhy: cases,
  geoVolume: cases,
  geoSla: compliance,
  geoBacklog: cases,
  events: ['eventos', 'events'],
  newest: ['instante, UTC', 'instant, UTC'],
  logins: ['ingresos', 'logins'],
  purchases: ['compras', 'purchases'],
  daily: ['usuarios, compras; la tasa, como parte de 1', 'users, purchases; the rate as a share of 1'],
  cases,
}

// The term that a case is measured by; docs/law.md has those of other years, and the special ones.
const term: Both = [
  'Ley 1437 de 2011 (CPACA), art. 14, en la redacción de la Ley 1755 de 2015, art. 1',
  'Ley 1437 de 2011 (CPACA), art. 14, as worded by Ley 1755 de 2015, art. 1',
]
export const laws: Partial<Record<FigureId, Both>> = { sla: term, age: term, risk: term, due: term, lateWhere: term, lateWhy: term, geoSla: term, cases: term }
