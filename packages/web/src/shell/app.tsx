/** The frame of every page: navigation, the box for anything, theme, what the server has to say about itself. */
import { type FormEvent, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { get } from "../api-client.ts";
import type { Me } from "../api-types.ts";
import { isLost, onConnection } from "../connection.ts";
import { Waiting } from "../ui/problem.tsx";
import { useAnswer } from "../use-answer.ts";
import { Boundary } from "./boundary.tsx";
import { useKeys } from "./keys.ts";
import { Link, matchPath, navigate, usePath } from "./router.tsx";
import { ROUTES } from "./routes.ts";
import { setTheme, useTheme } from "./theme.ts";
import { TokenDialog } from "./token-dialog.tsx";
import "./shell.css";

export function App() {
  const path = usePath();
  const help = useRef<HTMLDialogElement>(null);
  const toggleHelp = useCallback(() => {
    if (help.current?.open) help.current.close();
    else help.current?.showModal();
  }, []);
  useKeys(toggleHelp);
  const found = useMemo(() => {
    for (const route of ROUTES) {
      const params = matchPath(route.path, path);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  }, [path]);
  useEffect(() => {
    document.title = `${found?.route.title ?? "Not found"} · assay`;
  }, [found]);

  return (
    <div className="shell">
      <a className="skip" href="#main">
        To the content
      </a>
      <Top toggleHelp={toggleHelp} />
      <LostBanner />
      <main id="main" tabIndex={-1}>
        <Boundary key={path}>
          <Suspense fallback={<Waiting what="Loading" />}>
            {found === undefined ? <NoPage /> : <found.route.view params={found.params} />}
          </Suspense>
        </Boundary>
      </main>
      <TokenDialog />
      <dialog ref={help} className="dialog" aria-labelledby="keys-title">
        <Keys />
        <form method="dialog">
          <button type="submit" className="button">
            Close
          </button>
        </form>
      </dialog>
    </div>
  );
}

function Top({ toggleHelp }: { readonly toggleHelp: () => void }) {
  const path = usePath();
  const theme = useTheme();
  const me = useAnswer<Me>("me", (signal) => get("/api/v1/me", undefined, signal));
  const [text, setText] = useState("");
  const search = (event: FormEvent) => {
    event.preventDefault();
    const value = text.trim();
    if (value !== "") navigate(`/search?q=${encodeURIComponent(value)}`);
  };
  return (
    <header className="top">
      <Link to="/" className="brand">
        assay
      </Link>
      <nav aria-label="Pages">
        {ROUTES.map(
          ({ path: to, nav }) =>
            nav && (
              <Link
                key={to}
                to={to}
                title={`g ${nav.key}`}
                {...(path === to || (to !== "/" && path.startsWith(`${to}/`))
                  ? { "aria-current": "page" as const }
                  : {})}
              >
                {nav.label}
              </Link>
            ),
        )}
      </nav>
      <form className="ask" onSubmit={search}>
        <label className="hidden-label" htmlFor="ask">
          Search for anything
        </label>
        <input
          id="ask"
          type="search"
          autoComplete="off"
          spellCheck={false}
          placeholder="hash, address, mutex, family: … or a pasted report   ( / )"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </form>
      <span className="who dim small">
        {me.value !== undefined && `${me.value.name} · ${me.value.role} · assay ${me.value.engine}`}
      </span>
      <button
        type="button"
        className="button small plain"
        onClick={() => setTheme(theme === "dark" ? "light" : "dark")}
        title="t"
      >
        {theme === "dark" ? "Light" : "Dark"}
      </button>
      <button type="button" className="button small plain" onClick={toggleHelp} aria-label="Keys" title="?">
        ?
      </button>
    </header>
  );
}

function LostBanner() {
  const [lost, setLost] = useState(isLost);
  useEffect(() => onConnection(setLost), []);
  if (!lost) return null;
  return (
    <div className="notice bad lost" role="alert">
      <strong>The server does not answer.</strong> Asking again until it does; what is on the page stays.
    </div>
  );
}

function Keys() {
  return (
    <>
      <h2 id="keys-title">Keys</h2>
      <table className="plain">
        <tbody>
          {ROUTES.map(
            ({ path, nav }) =>
              nav && (
                <tr key={path}>
                  <td>
                    <kbd>g</kbd> <kbd>{nav.key}</kbd>
                  </td>
                  <td>{nav.label}</td>
                </tr>
              ),
          )}
          <tr>
            <td>
              <kbd>/</kbd>
            </td>
            <td>Search for anything</td>
          </tr>
          <tr>
            <td>
              <kbd>j</kbd> <kbd>k</kbd>
            </td>
            <td>Next and previous row or value</td>
          </tr>
          <tr>
            <td>
              <kbd>Enter</kbd> <kbd>x</kbd>
            </td>
            <td>Open, select a row</td>
          </tr>
          <tr>
            <td>
              <kbd>t</kbd>
            </td>
            <td>Dark or light</td>
          </tr>
        </tbody>
      </table>
    </>
  );
}

function NoPage() {
  return (
    <div className="notice">
      <strong>There is no such page.</strong>
      <Link to="/">Drop samples</Link>
      <Link to="/batches">Batches</Link>
    </div>
  );
}
