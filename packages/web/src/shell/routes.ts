/** Every page: its address, its name in the navigation, and its code, which is loaded when it is first wanted. */
import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Params } from "./router.tsx";

/** A view gets what its address holds; its query it reads with `useQuery`. */
export interface ViewProps {
  readonly params: Params;
}

export interface Route {
  /** `/samples/:sha256` */
  readonly path: string;
  readonly title: string;
  /** In the navigation, with its key after `g`. */
  readonly nav?: { readonly label: string; readonly key: string };
  readonly view: LazyExoticComponent<ComponentType<ViewProps>>;
}

export const ROUTES: readonly Route[] = [
  {
    path: "/",
    title: "Drop",
    nav: { label: "Drop", key: "d" },
    view: lazy(() => import("../drop/drop-view.tsx")),
  },
  {
    path: "/batches",
    title: "Batches",
    nav: { label: "Batches", key: "b" },
    view: lazy(() => import("../batch/batches-view.tsx")),
  },
  { path: "/batches/:batch", title: "Batch", view: lazy(() => import("../batch/batch-view.tsx")) },
  { path: "/samples/:sha256", title: "Sample", view: lazy(() => import("../sample/sample-view.tsx")) },
  {
    path: "/compare",
    title: "Compare",
    view: lazy(() => import("../compare/compare-view.tsx")),
  },
  {
    path: "/search",
    title: "Search",
    nav: { label: "Search", key: "s" },
    view: lazy(() => import("../pivot/pivot-view.tsx")),
  },
  {
    path: "/graph",
    title: "Graph",
    nav: { label: "Graph", key: "r" },
    view: lazy(() => import("../graph/graph-view.tsx")),
  },
  {
    path: "/indicators",
    title: "Indicators",
    nav: { label: "Indicators", key: "i" },
    view: lazy(() => import("../indicators/indicators-view.tsx")),
  },
  {
    path: "/corpus",
    title: "Corpus",
    nav: { label: "Corpus", key: "c" },
    view: lazy(() => import("../corpus/corpus-view.tsx")),
  },
];
