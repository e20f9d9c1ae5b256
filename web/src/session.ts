// Who is signed in: asked of the server once, and again after every sign-in and sign-out.
import { shallowRef } from 'vue'
import { ask, get, type Me, type Problem } from './api'

/** undefined: not known yet; null: nobody. */
export const me = shallowRef<Me | null>()

export const may = (scope: string): boolean => !!me.value && (me.value.scopes.includes(scope) || me.value.scopes.includes('admin') || me.value.scopes.includes('server:admin'))

export async function load(): Promise<void> {
  const answer = await get('/v1/me')
  me.value = answer.scopes.length ? answer : null
}

/** With a token: whoever it is of. With a user: as that person, for which one must be an admin. */
export async function signIn(fields: { token?: string; user?: string }): Promise<void> {
  await ask('/login', { method: 'POST', body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } })
  await load()
}

export async function signOut(): Promise<void> {
  await ask('/logout', { method: 'POST' }).catch((problem: Problem) => {
    if (problem.status !== 401) throw problem // else it has ended already
  })
  me.value = null
}
