// The views, each with an address of its own. net/pages.cc hands out the document for the same list.
import { createRouter, createWebHistory } from 'vue-router'
import { ended } from './live'
import { moment } from './moment'
import { load, me } from './session'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: (to) => ({ path: '/people', query: to.query }) },
    { path: '/sign-in', component: () => import('./views/SignIn.vue'), meta: { title: 'Sign in' } },
    { path: '/people/:user?', component: () => import('./views/PeopleView.vue'), meta: { title: 'People' } },
    { path: '/rooms/:room?', component: () => import('./views/RoomsView.vue'), meta: { title: 'Rooms' } },
    { path: '/past', component: () => import('./views/PastView.vue'), meta: { title: 'Past' } },
    { path: '/audit', component: () => import('./views/AuditView.vue'), meta: { title: 'Audit' } },
  ],
})

router.beforeEach(async (to) => {
  if (me.value === undefined) await load().catch(() => (me.value = null))
  const at = typeof to.query.at === 'string' ? new Date(to.query.at) : null
  moment.value = at && !Number.isNaN(+at) ? at : null
  if (to.path !== '/sign-in' && (!me.value || ended.value)) return { path: '/sign-in', query: { to: to.fullPath } }
  return true
})
router.afterEach((to) => {
  document.title = `${String(to.meta.title ?? '')} · rollcall`
})
