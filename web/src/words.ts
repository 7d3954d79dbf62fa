// Every text of the dashboard, in Spanish and English.
import { figureWords } from './definitions'
import { current, usePlace } from './place'

export type Language = 'es' | 'en'

const words = {
  title: ['Tablero de PQRS', 'PQRS dashboard'],
  skip: ['Saltar al contenido', 'Skip to content'],
  pages: ['Páginas', 'Pages'],
  executive: ['Ejecutivo', 'Executive'],
  territory: ['Territorio', 'Territory'],
  cases: ['Casos', 'Cases'],
  live: ['En vivo', 'Live'],
  operations: ['Operación', 'Operations'],
  data: ['Datos', 'Data'],
  otherLanguage: ['English', 'Español'],
  otherLanguageHint: ['Switch to English (key L)', 'Cambiar a español (tecla L)'],
  themeLight: ['Tema claro', 'Light theme'],
  themeDark: ['Tema oscuro', 'Dark theme'],
  help: ['Atajos de teclado', 'Keyboard shortcuts'],
  helpKeys: ['Los atajos actúan cuando no se escribe en un campo.', 'Shortcuts work while no field is being typed in.'],
  helpL: ['cambia de idioma', 'switches the language'],
  helpT: ['cambia de tema', 'switches the theme'],
  helpN: ['abre una página', 'opens a page'],
  helpSlash: ['busca un caso', 'searches a case'],
  helpHelp: ['muestra esta ayuda', 'shows this help'],
  shortcutsOn: ['Atajos activos', 'Shortcuts on'],
  print: ['Imprimir', 'Print'],
  close: ['Cerrar', 'Close'],
  all: ['Todos', 'All'],
  allF: ['Todas', 'All'],
  filters: ['Filtros', 'Filters'],
  clear: ['Quitar filtros', 'Clear filters'],
  period: ['Periodo', 'Period'],
  from: ['Desde', 'From'],
  to: ['Hasta', 'To'],
  type: ['Tipo', 'Type'],
  channel: ['Canal', 'Channel'],
  department: ['Departamento', 'Department'],
  municipality: ['Municipio', 'Municipality'],
  priority: ['Prioridad', 'Priority'],
  status: ['Estado', 'Status'],
  days7: ['Últimos 7 días', 'Last 7 days'],
  days30: ['Últimos 30 días', 'Last 30 days'],
  days90: ['Últimos 90 días', 'Last 90 days'],
  everything: ['Todo', 'Everything'],
  custom: ['Fechas…', 'Dates…'],
  deaf: ['sin filtro de', 'not filtered by'],
  loading: ['Cargando…', 'Loading…'],
  noData: ['Sin datos en este periodo', 'No data in this period'],
  noDataHint: ['Amplíe el periodo o quite un filtro.', 'Widen the period or clear a filter.'],
  noRun: ['Aún no hay cifras publicadas', 'No figures have been published yet'],
  noRunHint: ['Una corrida las publica. Ejecute:', 'A run publishes them. Run:'],
  offline: ['No se alcanza el servidor', 'The server cannot be reached'],
  offlineHint: ['¿Sigue en marcha `pqr serve`? Se vuelve a intentar al pulsar el botón.', 'Is `pqr serve` still running? The button tries again.'],
  failed: ['No se pudo obtener', 'This could not be fetched'],
  oldRows: ['Sigue a la vista lo que se obtuvo antes.', 'What was fetched before is still shown.'],
  retry: ['Reintentar', 'Try again'],
  noRight: ['Su rol no puede ver esto', 'Your role may not see this'],
  noRightHint: ['Pida acceso a quien administra la plataforma.', 'Ask whoever runs the platform for access.'],
  signIn: ['Se necesita un token', 'A token is needed'],
  signInHint: ['El servidor pide autenticación. Pegue su token (JWT); se guarda solo en esta pestaña.', 'The server asks for authentication. Paste your token (JWT); it is kept in this tab only.'],
  token: ['Token', 'Token'],
  enter: ['Entrar', 'Sign in'],
  tokenRefused: ['El token no fue aceptado', 'The token was not accepted'],
  otherToken: ['O entre con otro token:', 'Or sign in with another token:'],
  signOut: ['Olvidar el token', 'Forget the token'],
  absent: ['Esta parte no está disponible aquí', 'This part is not available here'],
  notFound: ['No existe', 'Not found'],
  about: ['Definición y consulta', 'Definition and query'],
  definition: ['Definición', 'Definition'],
  query: ['Consulta', 'Query'],
  queryHint: ['Se puede repetir con `pqr sql` o en la base de datos publicada.', 'It can be repeated with `pqr sql` or in the published database.'],
  api: ['Dirección en la API', 'Address in the API'],
  values: ['Valores', 'Values'],
  rows: ['filas', 'rows'],
  firstRows: ['primeras filas', 'first rows'],
  csv: ['Descargar CSV', 'Download CSV'],
  run: ['Corrida', 'Run'],
  runShort: ['corrida', 'run'],
  asOf: ['Datos hasta el', 'Data up to'],
  made: ['Informe hecho por', 'Report made by'],

  head_late: ['vencidos sin respuesta', 'overdue and unanswered'],
  head_soon: ['vencen en 2 días hábiles o menos', 'due within 2 business days'],
  head_next: ['más quedarán vencidos al terminar el', 'more will be late after'],
  head_where: ['Dónde', 'Where'],
  head_why: ['Por qué', 'Why'],
  head_nothing: ['No hay casos vencidos sin respuesta.', 'No case is overdue and unanswered.'],
  head_title: ['Lo urgente', 'What is urgent'],
  head_stuck: ['Detenidos en', 'Standing in'],
  seeCases: ['Ver los casos', 'See the cases'],
  of: ['de', 'of'],
  now: ['a la fecha de los datos', 'as of the data'],

  k_received: ['Recibidos', 'Received'],
  k_closed: ['Cerrados', 'Closed'],
  k_compliance: ['Cumplimiento del término', 'Answered in the legal term'],
  k_backlog: ['Sin cerrar', 'Open'],
  k_late: ['Cerrados fuera de término', 'Closed late'],
  vsBefore: ['frente al periodo anterior', 'against the period before'],
  points: ['pp', 'pp'],
  sinceStart: ['sin periodo anterior', 'no period before'],

  ...figureWords,
  unit: ['Unidad', 'Unit'],

  mavg: ['media de 7 días', '7-day mean'],
  share: ['parte', 'share'],
  businessDays: ['días hábiles', 'business days'],
  businessDay: ['día hábil', 'business day'],
  moreThan: ['más de', 'over'],
  late: ['vencidos', 'overdue'],
  risk_overdue: ['Vencido', 'Overdue'],
  risk_due_soon: ['Por vencer', 'Due soon'],
  risk_open: ['En término', 'In time'],
  risk_all: ['Todos sin respuesta', 'All unanswered'],

  metric: ['Cifra', 'Figure'],
  map: ['Mapa de departamentos', 'Map of departments'],
  mapHint: ['Elija un departamento para ver sus municipios.', 'Choose a department to see its municipalities.'],
  ranking: ['Departamentos', 'Departments'],
  rankingOf: ['Municipios de', 'Municipalities of'],
  allCountry: ['Todo el país', 'Whole country'],
  place: ['Lugar', 'Place'],
  unknownPlace: ['sin dato', 'unknown'],
  less: ['menos', 'less'],
  more: ['más', 'more'],

  search: ['Buscar', 'Search'],
  searchHint: ['Número del caso o identificador', 'Case number or id'],
  number: ['Número', 'Number'],
  dueOn: ['Vence', 'Due'],
  left: ['Quedan', 'Left'],
  place2: ['Lugar', 'Place'],
  loadMore: ['Mostrar más', 'Show more'],
  shown: ['mostrados', 'shown'],
  noCases: ['Ningún caso cumple estos filtros', 'No case matches these filters'],
  lateBy: ['vencido hace', 'late by'],
  today: ['hoy', 'today'],
  back: ['Volver a los casos', 'Back to the cases'],
  whyDue: ['¿Por qué esta fecha?', 'Why this date?'],
  received: ['Recibido', 'Received'],
  term: ['Término', 'Term'],
  holdDays: ['Días que no cuentan por espera', 'Days that do not count, on hold'],
  due: ['Fecha límite', 'Due date'],
  answered: ['Respondido', 'Answered'],
  notAnswered: ['sin respuesta', 'not answered'],
  verdict: ['Resultado', 'Verdict'],
  verdict_IN_TIME: ['En término', 'In time'],
  verdict_LATE: ['Fuera de término', 'Late'],
  verdict_NOT_STARTED: ['Sin radicar: el término no corre', 'Not filed yet: no term runs'],
  law: ['Norma', 'Law'],
  lawConfigured: ['término configurado para este tipo', 'term configured for this type'],
  dayOf: ['día', 'day'],
  w_counted: ['cuenta', 'counts'],
  w_weekend: ['fin de semana', 'week-end'],
  w_holiday: ['festivo', 'holiday'],
  w_hold: ['en espera', 'on hold'],
  w_stop: ['respondido, luego reabierto', 'answered, then reopened'],
  w_extended: ['se suma por un día en espera posterior', 'added for a day held later'],
  w_none: ['antes de recibir', 'before reception'],
  daysTable: ['Día por día', 'Day by day'],
  day: ['Día', 'Day'],
  counts: ['Cuenta', 'Counts'],
  whyNot: ['Motivo', 'Reason'],
  timeline: ['Línea de tiempo', 'Timeline'],
  messages: ['Mensajes', 'Messages'],
  role_citizen: ['Ciudadano', 'Citizen'],
  role_agent: ['Agente', 'Agent'],
  role_system: ['Sistema', 'System'],
  created: ['Creado', 'Created'],
  closedAt: ['Cerrado', 'Closed'],

  liveTitle: ['Clics de la tienda, minuto a minuto', 'Clicks of the shop, minute by minute'],
  refreshed: ['Se actualiza cada 10 s', 'Refreshes every 10 s'],
  lastWindow: ['Última ventana', 'Newest window'],
  perMinute: ['Eventos en ella', 'Events in it'],
  lateEvents: ['Tardíos', 'Late events'],
  watermark: ['Marca de agua', 'Watermark'],
  noStream: ['Aún no llegan eventos', 'No events have come yet'],
  noStreamHint: ['La capa de velocidad los cuenta mientras llegan. Por ejemplo:', 'The speed layer counts them as they come. For example:'],
  updated: ['Actualizado', 'Updated'],
  activeUsers: ['Usuarios activos', 'Active users'],
  conversion: ['Tasa de conversión', 'Conversion rate'],

  runs: ['Corridas', 'Runs'],
  workload: ['Carga', 'Workload'],
  started: ['Inicio', 'Started'],
  took: ['Duración', 'Took'],
  stages: ['Etapas', 'Stages'],
  stage: ['Etapa', 'Stage'],
  tasks: ['Tareas', 'Tasks'],
  rowsIn: ['Filas leídas', 'Rows in'],
  rowsOut: ['Filas escritas', 'Rows out'],
  throughput: ['Rendimiento', 'Throughput'],
  perSecond: ['filas/s', 'rows/s'],
  retries: ['Reintentos', 'Retries'],
  failedTasks: ['Tareas fallidas', 'Failed tasks'],
  quality: ['Calidad', 'Quality'],
  layer: ['Capa', 'Layer'],
  check: ['Verificación', 'Check'],
  result: ['Resultado', 'Result'],
  value: ['Valor', 'Value'],
  threshold: ['Umbral', 'Threshold'],
  severity: ['Severidad', 'Severity'],
  passed: ['pasan', 'pass'],
  warned: ['advierten', 'warn'],
  failedChecks: ['fallan', 'fail'],
  onlyProblems: ['Solo las que no pasan', 'Only those that do not pass'],
  allPass: ['Todas las verificaciones pasan.', 'All checks pass.'],
  rejects: ['Rechazos', 'Rejects'],
  noRejects: ['Ninguna línea fue rechazada.', 'No line was rejected.'],
  reason: ['Motivo', 'Reason'],
  line: ['Línea', 'Line'],
  object: ['Objeto', 'Object'],
  text: ['Texto', 'Text'],
  lineage: ['Linaje', 'Lineage'],
  lineageHint: ['De qué se hizo cada tabla: de izquierda a derecha.', 'What each table was made from: left to right.'],
  input: ['Entrada', 'Input'],
  output: ['Salida', 'Output'],
  config: ['configuración', 'configuration'],
  asOfRun: ['Datos hasta', 'As of'],
  executor: ['Ejecutor', 'Executor'],
  version: ['Versión', 'Version'],
  lateTasks: ['Intentos', 'Attempts'],
  error: ['Error', 'Error'],

  tables: ['Tablas', 'Tables'],
  table: ['Tabla', 'Table'],
  size: ['Tamaño', 'Size'],
  files: ['Archivos', 'Files'],
  schema: ['Esquema', 'Schema'],
  column: ['Columna', 'Column'],
  dataType: ['Tipo', 'Type'],
  description: ['Descripción', 'Description'],
  nullable: ['nulo', 'nullable'],
  key: ['clave', 'key'],
  partitions: ['Particiones', 'Partitions'],
  history: ['Versiones', 'Versions'],
  growth: ['Filas por versión', 'Rows by version'],
  operation: ['Operación', 'Operation'],
  at: ['Fecha', 'Date'],
  path: ['Ruta', 'Path'],
  sqlPage: ['Consulta SQL', 'SQL query'],
  sqlHint: ['Lee las tablas del lago; no escribe nada. Ctrl+Intro la ejecuta.', 'Reads the tables of the lake and writes nothing. Ctrl+Enter runs it.'],
  execute: ['Ejecutar', 'Run'],
  sqlOff: ['Las consultas SQL están apagadas. `pqr serve --sql` las enciende.', 'SQL queries are off. `pqr serve --sql` turns them on.'],
  seconds: ['s', 's'],
  truncated: ['recortado', 'truncated'],
  choose: ['Elija una tabla para ver su esquema, versiones y archivos.', 'Choose a table to see its schema, versions and files.'],
  findTable: ['Buscar tabla', 'Find a table'],
} as const satisfies Record<string, readonly [string, string]>

export type Word = keyof typeof words

export function language(): Language {
  const asked = current().params.get('lang')
  if (asked === 'es' || asked === 'en') return asked
  return navigator.language.startsWith('en') ? 'en' : 'es'
}

export function inLanguage(both: readonly [string, string]): string {
  return both[language() === 'es' ? 0 : 1]
}
export function t(word: Word): string {
  return inLanguage(words[word])
}
export function isWord(text: string): text is Word {
  return text in words
}

// The words of the domain's codes.
const codes: Record<string, readonly [string, string]> = {
  P: ['Petición', 'Petition'],
  Q: ['Queja', 'Complaint'],
  R: ['Reclamo', 'Claim'],
  S: ['Sugerencia', 'Suggestion'],
  email: ['Correo', 'E-mail'],
  webform: ['Formulario web', 'Web form'],
  chat: ['Chat', 'Chat'],
  call: ['Llamada', 'Call'],
  other_digital: ['Otro digital', 'Other digital'],
  alta: ['Alta', 'High'],
  media: ['Media', 'Medium'],
  baja: ['Baja', 'Low'],
  RECEIVED: ['Recibido', 'Received'],
  RADICATED: ['Radicado', 'Filed'],
  CLASSIFIED: ['Clasificado', 'Classified'],
  ASSIGNED: ['Asignado', 'Assigned'],
  IN_PROGRESS: ['En gestión', 'In progress'],
  ON_HOLD: ['En espera', 'On hold'],
  RESPONDED: ['Respondido', 'Answered'],
  CLOSED: ['Cerrado', 'Closed'],
  ARCHIVED: ['Archivado', 'Archived'],
  REOPENED: ['Reabierto', 'Reopened'],
  SUCCESS: ['Éxito', 'Success'],
  DEGRADED: ['Con avisos', 'Degraded'],
  FAILED: ['Falló', 'Failed'],
  RUNNING: ['En curso', 'Running'],
  PENDING: ['Pendiente', 'Pending'],
  PASS: ['Pasa', 'Pass'],
  WARN: ['Aviso', 'Warn'],
  FAIL: ['Falla', 'Fail'],
  click: ['clic', 'click'],
  login: ['ingreso', 'login'],
  logout: ['salida', 'logout'],
  purchase: ['compra', 'purchase'],
  web: ['web', 'web'],
  mobile: ['móvil', 'mobile'],
  unknown: ['sin dato', 'unknown'],
}
export function said(code: string): string {
  const both = codes[code]
  return both ? inLanguage(both) : code
}

export function useWords(): typeof t {
  usePlace()
  return t
}

const locale = () => (language() === 'es' ? 'es-CO' : 'en-GB')
export const zone = 'America/Bogota'

export const number = (n: number, digits = 0): string => new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n)
// On axes, where there is little room: 20 000 is "20 k" in both languages.
export const compact = (n: number): string => (Math.abs(n) >= 1e6 ? `${number(n / 1e6, n % 1e6 === 0 ? 0 : 1)} M` : Math.abs(n) >= 1e4 ? `${number(n / 1e3, n % 1e3 === 0 ? 0 : 1)} k` : number(n))
export function signed(n: number, digits = 0): string {
  return (n > 0 ? '+' : n < 0 ? '−' : '±') + number(Math.abs(n), digits)
}
// A date is no instant: noon UTC is on that day wherever it is looked at from.
const atNoon = (date: string) => new Date(`${date}T12:00:00Z`)
const dateFormat = (date: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale(), { ...options, timeZone: 'UTC' }).format(atNoon(date))
export const dateShort = (date: string): string => dateFormat(date, { day: 'numeric', month: 'short' })
export const dateLong = (date: string): string => dateFormat(date, { day: 'numeric', month: 'short', year: 'numeric' })
export const dateWeekday = (date: string): string => dateFormat(date, { weekday: 'long', day: 'numeric', month: 'long' })
export const monthName = (date: string): string => dateFormat(date, { month: 'long', year: 'numeric' })
export const weekdays = (): string[] => ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04', '2024-01-05', '2024-01-06', '2024-01-07'].map((d) => dateFormat(d, { weekday: 'short' }))
export const instant = (ts: string, seconds = false): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: seconds ? 'medium' : 'short', timeZone: zone }).format(new Date(ts))
export const localDay = (ts: string): string => new Intl.DateTimeFormat('sv-SE', { timeZone: zone }).format(new Date(ts)) // 2025-09-01
export const clock = (ts: string): string => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone }).format(new Date(ts))
export function duration(ms: number): string {
  if (ms < 1000) return `${number(ms)} ms`
  if (ms < 120_000) return `${number(ms / 1000, 1)} s`
  return `${number(ms / 60_000, 1)} min`
}
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let i = 0
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000
    i++
  }
  return `${number(n, i === 0 ? 0 : 1)} ${units[i]}`
}
