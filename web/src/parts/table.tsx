// A table that scrolls inside itself on a narrow screen, reachable by keyboard.
import type { ComponentChildren } from 'preact'

export interface TableColumn<T> {
  name: string
  label: ComponentChildren
  value: (row: T, index: number) => ComponentChildren
  right?: boolean // numbers
}

export function Table<T>({ rows, columns, caption, selected }: { rows: T[]; columns: TableColumn<T>[]; caption: string; selected?: (row: T) => boolean }) {
  return (
    <div class="table" tabindex={0} role="group" aria-label={caption}>
      <table>
        <caption class="sr">{caption}</caption>
        <thead><tr>{columns.map((c) => <th key={c.name} scope="col" class={c.right ? 'right' : ''}>{c.label}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i} class={selected?.(row) ? 'selected' : ''}>
              {columns.map((c) => <td key={c.name} class={c.right ? 'right' : ''}>{c.value(row, i)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
