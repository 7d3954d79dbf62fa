// The dashboard in a real browser, against a real `pqr serve`. Usage: node dashboard.mjs MODULES URL LAKE PQR [PICTURES]
//   MODULES   node_modules with playwright-core and axe-core; PQR the program, LAKE what the server serves
//   PICTURES  a folder: pictures of the pages are put there, to be looked at
//   PQR_DASHBOARD_CLOSED   the address of a server of the same lake that asks for tokens, where there is one
// Prints each failure as "FAILED: ..." and ends with status 1 where there is one.
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [modules, url, lake, pqr, pictures] = process.argv.slice(2)
const need = createRequire(`${modules}/`)
const { chromium } = need('playwright-core')
const axe = readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8')

let fails = 0
const bad = (text) => {
  fails++
  console.log(`FAILED: ${text}`)
}
const same = (found, expected, what) => {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) bad(`${what}: ${a?.slice(0, 300)} is not ${b?.slice(0, 300)}`)
}

// ---- what the tables say ------------------------------------------------------------------------------------------------

// The SQL that the dashboard shows: over the published tables in SQLite, over the lake for the rest.
function rowsOf(sql) {
  const published = !/\bFROM silver\./.test(sql)
  const out = published
    ? execFileSync('sqlite3', ['-json', `${lake}/control.db`, sql.replace(/\bFROM (gold|analytics|realtime)\./g, 'FROM $1_')], { maxBuffer: 1 << 26 })
    : execFileSync(pqr, ['sql', sql, '--lake', lake, '--json'], { maxBuffer: 1 << 26 })
  return out.length === 0 ? [] : JSON.parse(out)
}
const total = (rows, of) => rows.reduce((all, row) => all + of(row), 0)
// Numbers that are decimals in the one are texts in the other.
const plain = (rows) => rows.map((row) => Object.values(row).map((v) => (v !== null && v !== '' && !Number.isNaN(Number(v)) ? Number(v) : v)))

// ---- a browser that may talk to the server alone ---------------------------------------------------------------------------

const browser = await chromium.launch({ executablePath: process.env.PQR_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
async function open(options = {}, server = url) {
  const context = await browser.newContext({ locale: 'es-CO', viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.expected = [] // patterns of console messages that a test provokes
  page.on('console', (m) => {
    if (['error', 'warning'].includes(m.type()) && !page.expected.some((p) => p.test(m.text()))) bad(`console at ${page.url()}: ${m.text()}`)
  })
  page.on('pageerror', (e) => bad(`script at ${page.url()}: ${e.message}`))
  page.on('request', (r) => {
    if (!r.url().startsWith(server) && !/^(blob|data|file):/.test(r.url())) bad(`a request elsewhere: ${r.url()}`)
  })
  return page
}
const settled = (page) =>
  page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]') && document.querySelector('main h1') && (document.querySelector('.card, .note') !== null))
async function visit(page, path, server = url) {
  await page.goto(server + path)
  await settled(page)
}
async function accessible(page, where) {
  await page.evaluate(`(() => { if (!window.axe) { ${axe} } })()`)
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  for (const v of found.violations) bad(`${where}: ${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.any[0]?.message ?? ''}`).join('; ')}`)
}

const definitions = new Map((await (await fetch(`${url}/api/v1/definitions`)).json()).map((d) => [d.id, d]))

// ---- each page, both languages, both themes, desktop and phone -----------------------------------------------------------------

const aCase = rowsOf("SELECT ticket_id FROM silver.tickets WHERE answered_at IS NULL AND sla_status = 'LATE' AND hold_days > 0 ORDER BY ticket_id LIMIT 1")[0].ticket_id
const run = rowsOf("SELECT run_id FROM gold.daily_kpis LIMIT 1")[0].run_id
const pages = {
  executive: '/executive?period=30',
  territory: '/territory?department=Antioquia',
  cases: '/cases?risk=overdue',
  case: `/cases/${aCase}`,
  live: '/live',
  operations: `/operations?run=${run}`,
  data: '/data?table=gold.daily_kpis',
}
const words = { es: { executive: 'Ejecutivo', live: 'En vivo' }, en: { executive: 'Executive', live: 'Live' } }

// Every two of language, theme and size meet.
const looks = [['es', 'light', 'desktop'], ['en', 'dark', 'desktop'], ['en', 'light', 'phone'], ['es', 'dark', 'phone']]
async function look(name) {
  const page = await open()
  for (const [lang, theme, size] of looks) {
    const where = `${name} ${lang} ${theme} ${size}`
    await page.setViewportSize(size === 'phone' ? { width: 360, height: 740 } : { width: 1280, height: 900 })
    await visit(page, `${pages[name]}${pages[name].includes('?') ? '&' : '?'}lang=${lang}&theme=${theme}`)
    same(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme]), [lang, theme], where)
    if (words[lang][name]) same(await page.textContent('h1'), words[lang][name], where)
    if ((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) > 0) bad(`${where}: scrolls sideways`)
    for (const note of await page.$$eval('.note.bad', (all) => all.map((n) => n.textContent))) bad(`${where}: ${note}`)
    same((await page.$$eval('main th', (all) => all.map((th) => th.textContent))).filter((h) => /_|^[A-Z]+$/.test(h)), [], `${where}: names of columns that stand for words`)
    await accessible(page, where)
    if (pictures) await page.screenshot({ path: `${pictures}/${where.replaceAll(' ', '-')}.png`, fullPage: true })
  }
  await page.context().close()
}

// ---- what is shown is what the SQL gives ------------------------------------------------------------------------------------------

async function aboutAll(page, where) {
  const seen = new Set()
  for (const button of await page.$$('button.about')) {
    const figure = await button.getAttribute('data-figure')
    if (seen.has(figure)) continue
    seen.add(figure)
    await button.click()
    await page.waitForSelector('dialog[open] [data-sql]')
    await settled(page)
    await page.waitForSelector('dialog[open] table')
    const sql = await page.textContent('dialog[open] [data-sql]')
    const lang = await page.evaluate(() => document.documentElement.lang)
    const { definition, unit, law } = definitions.get(figure)
    same(await page.textContent('dialog[open] .dialog-body > p'), definition[lang], `${where}: the definition of ${figure}`)
    same(await page.$$eval('dialog[open] .terms dd', (all) => all.map((dd) => dd.textContent)), [unit[lang], ...(law ? [law[lang]] : [])], `${where}: unit and law of ${figure}`)
    const shown = await page.$$eval('dialog[open] tbody tr', (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)))
    const wanted = plain(rowsOf(sql))
    same(shown.map((row) => plain([row])[0]), wanted.slice(0, 50).map((row) => row.map((v) => (v === null ? '' : v))), `${where}, ${figure}: ${sql}`)
    if (figure === 'volume') {
      const waiting = page.waitForEvent('download')
      await page.click('dialog[open] button:has-text("CSV")')
      const csv = readFileSync(await (await waiting).path(), 'utf8').trim().split('\n').slice(1)
      same(plain(csv.map((line) => line.split(','))), wanted, `${where}: the CSV of ${figure}`)
    }
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => !document.querySelector('dialog[open]'))
  }
  return seen
}
const charts = (page) => page.$$eval('.chart', (all) => Object.fromEntries(all.map((box) => [box.closest('section').querySelector('.about').dataset.figure, { x: box.chart.getOption().xAxis[0].data, series: box.chart.getOption().series.map((s) => s.data) }])))
const numberIn = (text) => Number(text.replace(/[^\d]/g, ''))

async function truth() {
  const page = await open()
  await visit(page, '/executive?lang=en&theme=light&period=custom&from=2026-02-01&to=2026-02-28')
  const seen = await aboutAll(page, 'executive')
  for (const figure of ['volume', 'sla', 'backlog', 'risk', 'due', 'age', 'channels', 'priorities']) if (!seen.has(figure)) bad(`executive: no figure ${figure}`)
  const drawn = await charts(page)
  const by = (sql) => rowsOf(sql)
  const days = drawn.volume.x
  same(days.length, 28, 'days of the volume')
  const volume = by("SELECT day, pqrs_type, sum(tickets_count) AS n FROM gold.kpi_volume_daily WHERE day >= '2026-02-01' AND day <= '2026-02-28' GROUP BY day, pqrs_type")
  same(drawn.volume.series, ['P', 'Q', 'R', 'S'].map((type) => days.map((day) => total(volume.filter((r) => r.day === day && r.pqrs_type === type), (r) => r.n))), 'the volume chart')
  const backlog = by("SELECT day, pqrs_type, sum(backlog_count) AS n FROM gold.kpi_backlog_daily WHERE day >= '2026-02-01' AND day <= '2026-02-28' GROUP BY day, pqrs_type")
  same(drawn.backlog.series, ['P', 'Q', 'R', 'S'].map((type) => days.map((day) => total(backlog.filter((r) => r.day === day && r.pqrs_type === type), (r) => r.n))), 'the backlog chart')
  const sla = by("SELECT day, sum(closed_count) AS closed, sum(overdue_count) AS late FROM gold.kpi_sla_daily WHERE day >= '2026-02-01' AND day <= '2026-02-28' GROUP BY day")
  same(drawn.sla.series[0].map((v) => v && v.toFixed(6)), days.map((day) => { const r = sla.find((x) => x.day === day); return r ? ((100 * (r.closed - r.late)) / r.closed).toFixed(6) : null }), 'the compliance chart')
  const due = by("SELECT sla_risk, count(*) AS n FROM silver.tickets WHERE answered_at IS NULL AND sla_due_at IS NOT NULL GROUP BY sla_risk")
  same(drawn.due.series.map((s) => s.reduce((a, b) => a + b, 0)), ['OVERDUE', 'AT_RISK', 'HEALTHY'].map((risk) => Number(due.find((r) => r.sla_risk === risk)?.n ?? 0)), 'what falls due')
  const kpis = await page.$$eval('.kpi', (all) => Object.fromEntries(all.map((k) => [k.getAttribute('aria-label'), k.querySelector('.kpi-value').textContent])))
  same(numberIn(kpis.Received), total(volume, (r) => r.n), 'received')
  same(kpis['Answered in the legal term'], `${((100 * (total(sla, (r) => r.closed) - total(sla, (r) => r.late))) / total(sla, (r) => r.closed)).toFixed(1)} %`, 'compliance')
  same(numberIn(kpis.Open), total(backlog.filter((r) => r.day === '2026-02-28'), (r) => r.n), 'open')
  const urgent = await page.$$eval('.urgent .big b', (all) => all.map((b) => b.textContent))
  same(urgent.slice(0, 2).map(numberIn), ['OVERDUE', 'AT_RISK'].map((risk) => Number(due.find((r) => r.sla_risk === risk).n)), 'what is urgent')

  // A filter is in the address, is heard by what can hear it, and says where it is not.
  await page.click('section[aria-label="By type"] button.bar:has-text("Claim")')
  await page.waitForFunction(() => new URL(location.href).searchParams.get('type') === 'R')
  await settled(page)
  const claims = (await charts(page)).volume.series
  same(claims, [days.map((day) => total(volume.filter((r) => r.day === day && r.pqrs_type === 'R'), (r) => r.n))], 'the volume of claims')
  await page.reload()
  await settled(page)
  same((await charts(page)).volume.series, claims, 'the volume of claims after loading the address again')
  same(await page.textContent('section[aria-label="By priority"] .deaf'), 'not filtered by type', 'what the filter does not reach')
  await visit(page, '/executive?lang=en&period=7&type=Q&channel=email&department=Antioquia')
  await aboutAll(page, 'executive, filtered')
  await page.context().close()
}

async function places() {
  const page = await open()
  for (const figure of ['geoVolume', 'geoBacklog', 'geoSla']) {
    await visit(page, `/territory?lang=en&period=2026Q1&figure=${figure}&department=Antioquia`)
    await aboutAll(page, `territory ${figure}`)
  }
  await visit(page, '/territory?lang=en&period=2026Q1')
  const drawn = await page.$$eval('.area', (all) => Object.fromEntries(all.map((a) => [a.getAttribute('aria-label').split(':')[0], Number(a.dataset.value)])))
  const wanted = rowsOf("SELECT department_name, sum(tickets_count) AS n FROM gold.kpi_volume_geo_daily WHERE day >= '2026-01-01' GROUP BY department_name")
  same(Object.keys(drawn).length, 33, 'departments on the map')
  for (const row of wanted) if (row.department_name !== 'unknown') same(drawn[row.department_name], row.n, `the map's ${row.department_name}`)
  // By keyboard: a department of the map, then its municipalities.
  await page.focus('.area[aria-label^="Boyacá"]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('section[aria-label="Municipalities of Boyacá"] tbody tr')
  await page.context().close()
}

// ---- a case: the days are those that `pqr explain` counts -------------------------------------------------------------------------

// Gold calls a place that is not known "unknown", in a case it is NULL.
async function placeless() {
  const page = await open()
  const asked = []
  page.on('request', (r) => asked.push(...decodeURIComponent(new URL(r.url()).search).slice(1).split('&').filter((p) => p.startsWith('department_name=')).map((p) => `${new URL(r.url()).pathname.split('/').at(-1)} ${p}`)))
  const once = () => [...new Set(asked.splice(0))].sort()
  await visit(page, '/cases?lang=en&department=unknown')
  same(once(), ['cases department_name=is.null'], 'what is asked of cases without a place')
  await page.click('button.about[data-figure=cases]')
  const sql = await page.textContent('dialog[open] [data-sql]')
  if (!/AND department_name IS NULL/.test(sql)) bad(`cases without a place: ${sql}`)
  same(rowsOf(sql).length, (await page.$$('main tbody tr')).length, sql)
  await visit(page, '/executive?lang=en&department=unknown')
  same(once(), ['cases department_name=is.null', 'kpi_sla_geo_daily department_name=eq.unknown', 'kpi_volume_dept_daily department_name=eq.unknown'], 'what is asked without a place')
  await page.context().close()
}

async function oneCase() {
  const page = await open()
  await visit(page, '/cases?lang=en&risk=overdue')
  await aboutAll(page, 'cases')
  const number = await page.textContent('tbody tr:nth-child(1) a')
  // who types at once loses no letter, however late the browser comes to paint
  await page.evaluate((text) => addEventListener('focusin', () => document.execCommand('insertText', false, text), { once: true }), number)
  await page.keyboard.press('/')
  await page.waitForFunction(() => document.activeElement?.value)
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))) // what is put off until after a frame, too
  same(await page.inputValue('#search'), number, 'what was typed at once')
  await page.keyboard.press('Enter')
  await page.waitForFunction((n) => new URL(location.href).searchParams.get('q') === n, number)
  await settled(page)
  same(await page.$$eval('tbody tr a', (all) => all.map((a) => a.textContent)), [number], 'the case that was searched')
  await page.click('tbody tr a')
  await page.waitForSelector('.calendar')
  const due = JSON.parse(execFileSync(pqr, ['explain', number, '--json', '--lake', lake]))
  const marks = await page.$$eval('.calendar .day:not(.outside)', (all) => all.map((d) => [d.classList[1], d.querySelector('b').textContent]))
  same(marks, due.days.map((d) => [d.why, d.why === 'counted' ? String(d.n) : d.why === 'extended' ? `+${d.n}` : '']), 'the days of the case')
  page.expected = [/Failed to load resource/]
  await visit(page, '/cases/none-such?lang=en')
  same((await page.textContent('.note strong')), 'Not found', 'a case that is not there')
  const index = await (await fetch(url)).text()
  for (const path of ['/cases/%E0%A4', '/%']) {
    await page.route(`${url}${path}?lang=en`, (route) => route.fulfill({ contentType: 'text/html', body: index })) // whatever serves the page
    await visit(page, `${path}?lang=en`)
    same((await page.textContent('.note strong')), 'Not found', `the address ${path}`)
  }
  await page.context().close()
}

// ---- keys, states, paper ------------------------------------------------------------------------------------------------------------

async function keys() {
  const page = await open()
  await visit(page, '/executive')
  for (const [key, check] of [['l', () => document.documentElement.lang === 'en'], ['t', () => document.documentElement.dataset.theme === 'dark'], ['3', () => location.pathname === '/cases'], ['?', () => document.querySelector('dialog[open]') !== null]]) {
    await page.keyboard.press(key)
    await page.waitForFunction(check).catch(() => bad(`the key ${key} does nothing`))
  }
  await accessible(page, 'the help')
  await page.keyboard.press('Escape')
  await page.keyboard.press('1')
  await page.waitForFunction(() => location.pathname === '/executive')
  await settled(page)
  const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime)
  console.log(`first paint ${Math.round(first)} ms`)
  if (first > 5000) bad(`the first paint came after ${first} ms`) // 1000 on a machine that does nothing else
  await page.emulateMedia({ media: 'print' })
  same(await page.isVisible('.top nav'), false, 'pages on paper')
  const pdf = await page.pdf({ preferCSSPageSize: true })
  if (pdf.length < 20_000) bad(`a PDF of ${pdf.length} bytes`)
  await page.context().close()
}

async function states() {
  const answers = [
    [401, { title: 'Unauthorized', detail: 'a token is needed' }, 'A token is needed'],
    [403, { title: 'Forbidden', detail: 'role anon may not read gold' }, 'Your role may not see this'],
    [501, { title: 'Not Implemented', detail: 'no libduckdb here' }, 'This part is not available here'],
    [500, { title: 'Internal Server Error', detail: 'the database is gone' }, 'This could not be fetched'],
  ]
  for (const [status, body, title] of answers) {
    const page = await open()
    page.expected = [/Failed to load resource/]
    await page.route('**/api/v1/**', (route) => route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', status, ...body }) }))
    await visit(page, '/executive?lang=en')
    same(await page.textContent('.note strong'), title, `status ${status}`)
    await accessible(page, `status ${status}`)
    if (pictures) await page.screenshot({ path: `${pictures}/state-${status}.png` })
    if (status === 401) {
      await page.unroute('**/api/v1/**')
      let sent = null
      await page.route('**/api/v1/gold/**', (route) => { sent ??= route.request().headers()['authorization']; return route.continue({ headers: { ...route.request().headers(), authorization: '' } }) })
      await page.fill('input[type=password]', 'abc.def.ghi')
      await page.click('.sign-in button')
      await page.waitForSelector('.kpi-value')
      same(sent, 'Bearer abc.def.ghi', 'the token that is sent')
    }
    await page.context().close()
  }
  const page = await open()
  page.expected = [/Failed to load resource/]
  await page.route('**/api/v1/**', (route) => route.abort())
  await visit(page, '/operations?lang=en')
  same(await page.textContent('.note strong'), 'The server cannot be reached', 'without a server')
  await page.unroute('**/api/v1/**')
  await page.click('.note button')
  await page.waitForSelector('.gantt')
  await page.route('**/api/v1/cases*', (route) => route.fulfill({ status: 200, contentType: 'application/json', body: '[]' }))
  await visit(page, '/cases?lang=en')
  same(await page.textContent('.note strong'), 'No case matches these filters', 'without cases')
  await page.route('**/api/v1/gold/**', (route) => route.fulfill({ status: 200, contentType: 'application/json', body: '[]' }))
  await visit(page, '/executive?lang=en')
  same(await page.textContent('.note strong'), 'No figures have been published yet', 'without a run')
  await page.context().close()
}

// Beside a server that asks for tokens: none, one that it does not take, one of a tenant, one that sees everything, none again.
async function tokens() {
  const closed = process.env.PQR_DASHBOARD_CLOSED
  if (!closed) return console.log('tokens: no server that asks for them')
  const made = (...options) => execFileSync(pqr, ['token', ...options], { encoding: 'utf8' }).trim()
  const signed = (claims) => {
    const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${text}.${createHmac('sha256', process.env.PQR_SERVER_AUTH_JWT_SECRET).update(text).digest('base64url')}`
  }
  const page = await open({}, closed)
  page.expected = [/Failed to load resource/]
  const title = (text) => page.waitForFunction((wanted) => document.querySelector('.note strong')?.textContent === wanted, text).catch(() => bad(`no "${text}"`))
  const enter = async (token) => {
    await page.fill('.note input[type=password]', token)
    await page.click('.note .sign-in button')
    await settled(page)
  }
  const look = async (what) => {
    await accessible(page, what)
    if (pictures) await page.screenshot({ path: `${pictures}/token-${what.replaceAll(' ', '-')}.png` })
  }
  await visit(page, '/executive?lang=en', closed)
  await title('A token is needed')
  same(await page.$('footer button'), null, 'a way to forget a token that is not there')
  await look('none')
  await enter('abc.def.ghi')
  await title('The token was not accepted')
  await look('not a token')
  await enter(signed({ role: 'service_role', exp: Math.floor(Date.now() / 1000) - 60 }))
  await page.waitForFunction(() => /expired/.test(document.querySelector('.note')?.textContent)).catch(() => bad('an expired token is not told'))
  await title('The token was not accepted')
  await look('expired')
  await enter(made('--tenant', 'default'))
  await title('Your role may not see this')
  await look('of a tenant')
  await page.click('nav a[href*="/cases"]')
  await title('No case matches these filters') // the default run's have no tenant; the filters stand all the same
  same(numberIn(await page.textContent('.choice b')), 0, 'the cases of a tenant that has none')
  await look('cases of a tenant')
  await page.click('nav a[href*="/executive"]')
  await title('Your role may not see this')
  await enter(made('--role', 'service_role'))
  await page.waitForSelector('.kpi-value')
  await look('of the service')
  await page.click('footer button:has-text("Forget the token")')
  await title('A token is needed')
  await page.waitForFunction(() => document.querySelector('.kpi-value') === null) // nothing of the former token's is left
  same(await page.evaluate(() => sessionStorage.getItem('pqr-token')), '', 'what is kept of a token')
  await page.context().close()
}

// Windows come one after another: the page, left open, shows each, by its own clock.
async function liveGoesOn() {
  const page = await open()
  await page.clock.install()
  await visit(page, '/live?lang=en')
  const newest = () => rowsOf("SELECT max(window_start) AS at FROM realtime.events_per_minute")[0].at
  const tile = (name) => page.textContent(`section[aria-label="${name}"] .kpi-value`)
  for (const events of [111, 222, 333]) {
    const at = new Date(Date.parse(newest()) + 60_000).toISOString()
    const lines = execFileSync(pqr, ['stream', 'produce', '--sink', '-', '--rate', 'max', '--limit', String(events), '--start', at], { stdio: ['ignore', 'pipe', 'ignore'] })
    execFileSync(pqr, ['stream', 'aggregate', '--source', '-', '--source-id', at, '--lake', lake], { input: lines, stdio: ['pipe', 'ignore', 'ignore'] })
    const before = await tile('Newest window')
    for (let turn = 0; turn < 240 && (await tile('Newest window')) === before; turn++) {
      await page.clock.fastForward(10_000)
      await new Promise((later) => setTimeout(later, 250))
    }
    await page.waitForFunction((n) => document.querySelector('section[aria-label="Events in it"] .kpi-value').textContent === n, String(events)).catch(() => bad('a new window does not come'))
  }
  const clicks = rowsOf("SELECT event_count AS n FROM realtime.events_per_minute WHERE event_type = 'click' ORDER BY window_start DESC LIMIT 3").map((row) => row.n).reverse()
  await page.waitForFunction((wanted) => document.querySelector('.chart')?.chart?.getOption().series.find((s) => s.name === 'click')?.data.slice(-3).join() === wanted, clicks.join())
    .catch(() => bad(`the chart does not end with ${clicks}`))
  await page.context().close()
}

// The SQL page: a query, one that is wrong, and one that would write.
async function sqlPage() {
  const page = await open()
  page.expected = [/Failed to load resource/]
  await visit(page, '/data?lang=en')
  const run = async (text) => {
    await page.fill('.sql textarea', text)
    const answered = page.waitForResponse('**/api/v1/sql')
    await page.keyboard.press('Control+Enter')
    await answered
    await page.waitForFunction(() => !document.querySelector('.sql button').disabled)
  }
  const query = 'SELECT pqrs_type, count(*) AS n FROM silver.tickets GROUP BY 1 ORDER BY 1'
  await run(query)
  const rows = await page.$$eval('section[aria-label="SQL query"] tbody tr', (all) => all.map((tr) => [...tr.children].map((td) => td.textContent)))
  same(plain(rows), plain(rowsOf(query)), 'the rows of the SQL page')
  await accessible(page, 'the SQL page')
  await run('SELECT nothing FROM silver.tickets')
  if (!/nothing/.test(await page.textContent('section[aria-label="SQL query"] .note'))) bad('a mistake in SQL is not told')
  await run('DROP TABLE silver.tickets')
  if (!(await page.$('section[aria-label="SQL query"] .note'))) bad('SQL that would write is not refused')
  await page.context().close()
}

// A page that stays open: another run is seen, and a question that fails later leaves what is shown, and says so.
async function later() {
  const page = await open()
  page.expected = [/Failed to load resource/]
  await page.clock.install()
  const asked = []
  page.on('request', (r) => asked.push(new URL(r.url()).pathname))
  await visit(page, '/executive?lang=en')
  await page.waitForSelector('footer code')
  const minute = async () => {
    const answered = page.waitForResponse(`${url}/api/v1`)
    asked.length = 0
    await page.clock.fastForward(60_000)
    await answered
    await settled(page)
  }
  await minute()
  same(asked, ['/api/v1'], 'what is asked again while no run has ended')
  const hello = await (await fetch(`${url}/api/v1`)).json()
  const publish = (run_id) => page.route(`${url}/api/v1`, (route) => route.fulfill({ json: { ...hello, latest: { ...hello.latest, pqrs: { ...hello.latest.pqrs, run_id } } } }))
  await publish('second')
  const received = page.waitForRequest('**/api/v1/gold/kpi_volume_national_daily?select=day,pqrs_type*')
  await minute()
  await received.catch(() => bad('after another run the figures are not asked again'))
  const shown = await page.textContent('.kpi-value')
  for (const [status, title] of [[0, 'The server cannot be reached'], [401, 'A token is needed']]) {
    await page.route('**/api/v1/**', (route) => (status === 0 ? route.abort() : route.fulfill({ status, contentType: 'application/problem+json', body: '{}' })))
    if (status === 0) await publish('third').then(minute)
    else await page.click('.kpi .old button')
    await page.waitForFunction((wanted) => document.querySelector('.kpi .old strong')?.textContent === wanted, title).catch(() => bad(`a later failure (${status}) is not told`))
    same(await page.textContent('.kpi-value'), shown, `what is shown after a later failure (${status})`)
    await accessible(page, `a later failure (${status})`)
    if (pictures) await page.screenshot({ path: `${pictures}/later-${status}.png` })
    await page.unroute('**/api/v1/**')
  }
  await page.fill('.kpi .old input[type=password]', 'abc.def.ghi')
  await page.click('.kpi .old .sign-in button')
  await page.waitForFunction(() => !document.querySelector('.old'))
  same(await page.textContent('.kpi-value'), shown, 'what is shown after the failures')
  await page.context().close()
}

// ---- a report: one file, opened from the disk, with nobody to ask ---------------------------------------------------------------------

async function visitReport(period) {
  const file = `${lake}/../informe-${period}.html`
  execFileSync(pqr, ['report', '--html', '--period', period, '-o', file, '--lake', lake])
  const page = await open()
  page.on('request', (r) => { if (!/^(file|blob):/.test(r.url())) bad(`the report asks ${r.url()}`) })
  await page.goto(`file://${file}#lang=en`)
  await settled(page)
  return page
}

// Of a period before the newest one: what is urgent is told of the newest day, and days that have no figures are not compared with.
async function reportOfThePast() {
  const page = await visitReport('2025Q4')
  const inEnglish = (day, options) => page.evaluate(([d, o]) => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...o }).format(new Date(d)), [day, options])
  const last = rowsOf('SELECT max(day) AS day FROM gold.kpi_volume_daily')[0].day
  same(await page.textContent('.urgent header .hint'), `as of the data: ${await inEnglish(last, { day: 'numeric', month: 'short', year: 'numeric' })}`, 'the day of what is urgent')
  const due = rowsOf(`SELECT CAST(sla_due_at AT TIME ZONE 'America/Bogota' AS DATE) AS day, count(*) AS n FROM silver.tickets WHERE answered_at IS NULL AND sla_due_at IS NOT NULL GROUP BY 1 ORDER BY 1`).find((r) => r.day > last)
  same(await page.textContent('.urgent .next'), `${due.n} more will be late after ${await inEnglish(due.day, { weekday: 'long', day: 'numeric', month: 'long' })}`, 'what is late next')
  same(new Set(await page.$$eval('.kpi .change', (all) => all.map((p) => p.textContent))).size, 1, 'what the figures are compared with')
  same(await page.textContent('.kpi .change'), 'no period before', 'a period whose days before are not all published')
  await page.context().close()
}

async function report() {
  const page = await visitReport('2026Q1')
  if (!/against the period before/.test(await page.textContent('.kpi .change'))) bad('the report does not compare with the period before')
  if (!/2026Q1/.test(await page.textContent('.report-period'))) bad('the report does not say its period')
  const wanted = rowsOf("SELECT sum(tickets_count) AS n FROM gold.kpi_volume_daily WHERE day >= '2026-01-01' AND day <= '2026-03-31'")[0].n
  same(numberIn(await page.textContent('.kpi-value')), wanted, 'what the report says was received')
  same((await page.$$('.chart canvas')).length, 4, 'the charts of the report')
  await aboutAll(page, 'the report')
  for (const [text, lang] of [['Español', 'es'], ['English', 'en']]) {
    await page.click(`.tools button:has-text("${text}")`)
    await page.waitForFunction((l) => document.documentElement.lang === l, lang)
    await accessible(page, `the report in ${lang}`)
  }
  await page.setViewportSize({ width: 360, height: 740 })
  if ((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) > 0) bad('the report scrolls sideways')
  if (pictures) await page.screenshot({ path: `${pictures}/report.png`, fullPage: true })
  await page.context().close()
}

const only = (process.env.PQR_DASHBOARD_ONLY ?? '').split(',').filter(Boolean)
const parts = { truth, places, placeless, oneCase, keys, states, tokens, sqlPage, later, report, reportOfThePast, ...Object.fromEntries(Object.keys(pages).map((name) => [name, () => look(name)])), liveGoesOn }
for (const [name, part] of Object.entries(parts)) {
  if (only.length > 0 && !only.includes(name)) continue
  const begin = Date.now()
  try {
    await part()
  } catch (e) {
    bad(`${name}: ${e.message}`)
  }
  console.log(`${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`)
}
await browser.close()
process.exit(fails > 0 ? 1 : 0)
