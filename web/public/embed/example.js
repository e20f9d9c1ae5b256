// Puts user and token from the address into the element, before its script defines it.
const given = new URLSearchParams(location.hash.slice(1))
const element = document.querySelector('rollcall-presence')
for (const name of ['user', 'token']) if (given.get(name)) element.setAttribute(name, given.get(name))
