// What stands where figures would: nothing yet, nothing at all, a failure, no right.
import { useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { forget, setToken, token, type ApiError, type Asked } from '../api'
import { t } from '../words'

export function Loading({ tall }: { tall?: boolean }) {
  return (
    <div class={`skeleton${tall ? ' tall' : ''}`} role="status">
      <span class="sr">{t('loading')}</span>
    </div>
  )
}

export function Note({ title, children, tone }: { title: string; children?: ComponentChildren; tone?: 'bad' }) {
  return (
    <div class={`note${tone ? ` ${tone}` : ''}`} role={tone ? 'alert' : undefined}>
      <strong>{title}</strong>
      {children}
    </div>
  )
}

function SignIn() {
  const [text, set] = useState('')
  return (
    <form class="sign-in" onSubmit={(e) => { e.preventDefault(); setToken(text.trim()) }}>
      <label class="field"><span>{t('token')}</span><input type="password" autocomplete="off" value={text} onInput={(e) => set(e.currentTarget.value)} /></label>
      <button type="submit" class="primary" disabled={text.trim() === ''}>{t('enter')}</button>
    </form>
  )
}

export function Failure({ error, again }: { error: ApiError; again: () => void }) {
  switch (error.status) {
    case 0:
      return <Note title={t('offline')} tone="bad"><p>{t('offlineHint')}</p><button type="button" onClick={again}>{t('retry')}</button></Note>
    case 401:
      if (token()) return <Note title={t('tokenRefused')}><p>{error.message}</p><p>{t('signInHint')}</p><SignIn /></Note>
      return <Note title={t('signIn')}><p>{t('signInHint')}</p><SignIn /></Note>
    case 403:
      return <Note title={t('noRight')}><p>{error.message}</p><p>{t('noRightHint')}</p>{token() && <><p>{t('otherToken')}</p><SignIn /></>}</Note>
    case 404:
      return <Note title={t('notFound')}><p>{error.message}</p></Note>
    case 501:
      return <Note title={t('absent')}><p>{error.message}</p></Note>
    default:
      return <Note title={t('failed')} tone="bad"><p>{error.message || error.title}</p><button type="button" onClick={again}>{t('retry')}</button></Note>
  }
}

// Above rows that could not be asked again.
function Old({ error }: { error: ApiError }) {
  return (
    <div class="note old" role="status">
      <strong>{t(error.status === 0 ? 'offline' : error.status === 401 ? 'signIn' : error.status === 403 ? 'noRight' : 'failed')}</strong>
      <p>{t('oldRows')}</p>
      {error.status === 401 ? <SignIn /> : <button type="button" onClick={() => forget()}>{t('retry')}</button>}
    </div>
  )
}

// The answer's rows, or what stands in their place.
export function Answered<T>({ asked, children, empty, tall }: { asked: Asked<T>; children: (data: T) => ComponentChildren; empty?: (data: T) => ComponentChildren; tall?: boolean }) {
  if (asked.error && !asked.answer) return <Failure error={asked.error} again={asked.again} />
  if (!asked.answer) return <Loading tall={tall ?? false} />
  const nothing = empty?.(asked.answer.data)
  return (
    <>
      {asked.error && <Old error={asked.error} />}
      <div class={asked.loading ? 'stale' : ''} aria-busy={asked.loading}>{nothing || children(asked.answer.data)}</div>
    </>
  )
}
