// What the server says, asked once per address and kept until the reader asks again. A report carries its answers with it.
import { useEffect, useState } from 'preact/hooks'
import { report } from './place'

export interface Answer<T> {
  data: T
  run: string | null
  total: number | null
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
  ) {
    super(detail)
  }
}

interface Embedded {
  period: { name: string; from: string; to: string; before: string }
  range: { first: string; last: string } // of all that was published, the period or not
  answers: Record<string, unknown> // by the address that they answer
  problems: Record<string, { status: number; title: string; detail: string } | undefined>
}
export const embedded: Embedded | null = report ? (JSON.parse(report.textContent ?? '') as Embedded) : null

const tokenKey = 'pqr-token'
export function token(): string {
  return sessionStorage.getItem(tokenKey) ?? ''
}
export function setToken(text: string): void {
  sessionStorage.setItem(tokenKey, text)
  forget(true)
}

async function problem(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const said = JSON.parse(text) as { title?: string; detail?: string }
    return new ApiError(response.status, said.title ?? response.statusText, said.detail ?? '')
  } catch {
    return new ApiError(response.status, response.statusText, text.slice(0, 300))
  }
}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (token()) headers.set('Authorization', `Bearer ${token()}`)
  let response: Response
  try {
    response = await fetch(path, { ...init, headers })
  } catch {
    throw new ApiError(0, '', '')
  }
  if (!response.ok) throw await problem(response)
  return response
}

async function load<T>(path: string): Promise<Answer<T>> {
  if (embedded) {
    const said = embedded.problems[path]
    if (said) throw new ApiError(said.status, said.title, said.detail)
    if (!(path in embedded.answers)) throw new ApiError(404, '', path)
    return { data: embedded.answers[path] as T, run: null, total: null }
  }
  const response = await ask(path, { headers: { Accept: 'application/json', Prefer: 'count=exact' } })
  const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')
  return { data: (await response.json()) as T, run: response.headers.get('X-PQR-Run'), total: total ? Number(total[1]) : null }
}

const kept = new Map<string, Promise<Answer<unknown>>>()
const watchers = new Set<(other: boolean) => void>()

// Asks again for all that is shown; as somebody `other`: nothing of what the former token gave stays.
export function forget(other = false): void {
  kept.clear()
  for (const watcher of watchers) watcher(other)
}

function get<T>(path: string, fresh: boolean): Promise<Answer<T>> {
  let answer = fresh ? undefined : kept.get(path)
  if (!answer) {
    answer = load<T>(path)
    kept.set(path, answer)
    answer.catch(() => {
      if (kept.get(path) === answer) kept.delete(path) // else another token's
    })
  }
  return answer as Promise<Answer<T>>
}

export interface Asked<T> {
  answer: Answer<T> | null // the last one; of the address before while `loading`
  error: ApiError | null // of the last asking, which may be after `answer`
  loading: boolean
  again: () => void
}

// `path` null: nothing to ask. `every` ms: asks again and again while the page is looked at.
export function useAnswer<T>(path: string | null, every = 0): Asked<T> {
  const [state, set] = useState<{ path: string | null; answer: Answer<T> | null; error: ApiError | null }>({ path: null, answer: null, error: null })
  const [turn, next] = useState(0)
  useEffect(() => {
    const watcher = (other: boolean) => {
      if (other) set({ path: null, answer: null, error: null })
      next((n) => n + 1)
    }
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  }, [])
  useEffect(() => {
    if (path === null) return
    let current = true
    const take = (fresh: boolean) =>
      get<T>(path, fresh).then(
        (answer) => current && set({ path, answer, error: null }),
        (error: unknown) => current && set((before) => ({ path, answer: before.path === path ? before.answer : null, error: error instanceof ApiError ? error : new ApiError(0, '', String(error)) })),
      )
    void take(false)
    const timer = every > 0 ? setInterval(() => document.hidden || void take(true), every) : 0
    return () => {
      current = false
      clearInterval(timer)
    }
  }, [path, every, turn])
  const loading = path !== null && state.path !== path
  return { answer: state.answer, error: loading ? null : state.error, loading, again: () => { if (path) kept.delete(path); next((n) => n + 1) } }
}

export async function download(path: string, name: string): Promise<void> {
  const blob = await (await ask(path, { headers: { Accept: 'text/csv' } })).blob()
  save(blob, name)
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
