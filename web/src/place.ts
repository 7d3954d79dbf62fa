// The address is the state: path, filters, language and theme. Nothing else decides what a page shows.
import { useEffect, useState } from 'preact/hooks'

export interface Place {
  path: string[]
  params: URLSearchParams
}

// A report is one page in a file: what would be the address is kept after its `#`.
export const report = document.getElementById('pqr-report')

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // no address of the dashboard's own: it finds nothing, and says so
  }
}

function read(): Place {
  if (report) return { path: ['executive'], params: new URLSearchParams(location.hash.slice(1)) }
  return { path: location.pathname.split('/').filter(Boolean).map(decoded), params: new URLSearchParams(location.search) }
}

let place = read()
const listeners = new Set<() => void>()

function tell(): void {
  place = read()
  for (const listener of listeners) listener()
}
addEventListener('popstate', tell)

export function current(): Place {
  return place
}

export function usePlace(): Place {
  const [, again] = useState(0)
  useEffect(() => {
    const listener = () => again((n) => n + 1)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return place
}

export type Changes = Record<string, string | null>

// Filters, language and theme go with the reader from page to page; what belongs to one page stays there.
const lasting = ['period', 'from', 'to', 'type', 'channel', 'department', 'lang', 'theme']

export function href(path: string, changes: Changes = {}): string {
  const samePage = path === '' || path.split('/')[1] === (place.path[0] ?? 'executive')
  const params = new URLSearchParams()
  for (const [key, value] of place.params) if (samePage || lasting.includes(key)) params.set(key, value)
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(key)
    else params.set(key, value)
  }
  const query = params.toString()
  if (report) return `#${query}`
  return (path === '' ? location.pathname : path) + (query ? `?${query}` : '')
}

export function go(path: string, changes: Changes = {}, replace = false): void {
  const to = href(path, changes)
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  const moved = place.path.join('/')
  tell()
  if (moved !== place.path.join('/')) {
    scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  }
}
