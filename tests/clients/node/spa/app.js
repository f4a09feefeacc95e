// The smallest application on top of oidc-client-ts: it signs in, keeps its session over a reload, refreshes and signs out.

const settings = JSON.parse(await (await fetch("/settings.json")).text());
const manager = new oidc.UserManager({
  ...settings,
  response_type: "code",
  loadUserInfo: true,
  automaticSilentRenew: false,
  userStore: new oidc.WebStorageStateStore({ store: localStorage }),
  stateStore: new oidc.WebStorageStateStore({ store: localStorage }),
});

function show(state, text) {
  document.body.dataset.state = state;
  document.querySelector("#who").textContent = text;
}

async function begin() {
  if (location.pathname === "/callback") {
    await manager.signinRedirectCallback();
    history.replaceState(null, "", "/");
  } else if (location.pathname === "/signed-out") {
    await manager.signoutRedirectCallback();
    history.replaceState(null, "", "/");
  }
  const user = await manager.getUser();
  if (user && !user.expired) show("in", user.profile.email ?? user.profile.sub);
  else show("out", "");
}

document.querySelector("#sign-in").addEventListener("click", () => manager.signinRedirect(window.extra ?? {}));
document.querySelector("#sign-out").addEventListener("click", () => manager.signoutRedirect());
// For the driver.
window.manager = manager;
try {
  await begin();
} catch (error) {
  show("error", `${error}`);
}
