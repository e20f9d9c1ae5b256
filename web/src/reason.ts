// Causes of the log in a person's words.
const words: Record<string, string> = {
  login: 'logged in', connect: 'a device connected', resync: 'the state was brought up to date', logout: 'logged out', revoked: 'was signed out',
  superseded: 'a newer session took over', grace_expired: 'the connection was lost and did not come back in time', ttl_expired: 'the session ran out',
  erased: 'was forgotten', idle_timeout: 'did nothing for the time that the policy gives', client_hint: 'the page said so', clean: 'the connection was closed',
  abort: 'the connection broke', timeout: 'the connection fell silent', drain: 'the server went down', crash: 'the server died', restart: 'the server started anew',
}
export function reason(state: string, cause: string): string {
  if (state === 'unknown') return 'nobody watched'
  return words[cause] ?? (state === 'online' ? 'was active again' : state === 'away' ? 'chose to be away' : 'left')
}
