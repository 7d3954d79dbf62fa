// Dates as "2026-02-28": compared as text, reckoned in UTC, so that no clock or zone of the reader decides.
export const plusDays = (date: string, n: number): string => new Date(Date.parse(`${date}T00:00:00Z`) + n * 86_400_000).toISOString().slice(0, 10)
export const daysBetween = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)
export const weekday = (date: string): number => (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7 // 0 = Monday
export function eachDay(from: string, to: string): string[] {
  const days = []
  for (let day = from; day <= to; day = plusDays(day, 1)) days.push(day)
  return days
}
export const isDate = (text: string | null): text is string => text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))

// "2026Q1" or "2026-02": its first and last day.
export function named(period: string): [string, string] | null {
  const quarter = /^(\d{4})Q([1-4])$/.exec(period)
  const month = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(period)
  if (!quarter && !month) return null
  const year = Number((quarter ?? month)![1])
  const first = quarter ? (Number(quarter[2]) - 1) * 3 : Number(month![2]) - 1
  const start = new Date(Date.UTC(year, first, 1)).toISOString().slice(0, 10)
  return [start, plusDays(new Date(Date.UTC(year, first + (quarter ? 3 : 1), 1)).toISOString().slice(0, 10), -1)]
}
export function quarters(first: string, last: string): string[] {
  const out = []
  for (let year = Number(first.slice(0, 4)); year <= Number(last.slice(0, 4)); year++) {
    for (let q = 1; q <= 4; q++) {
      const [from, to] = named(`${year}Q${q}`)!
      if (to >= first && from <= last) out.push(`${year}Q${q}`)
    }
  }
  return out.reverse()
}
