/** A view that broke says so, and the rest of the page goes on. */
import { Component, type ReactNode } from "react";
import { Hostile } from "../hostile.tsx";

interface Props {
  readonly children: ReactNode;
}
interface State {
  readonly error: Error | undefined;
}

export class Boundary extends Component<Props, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div className="notice bad" role="alert">
        <strong>This view broke.</strong>
        <Hostile text={error.message} />
        <button type="button" className="button small" onClick={() => this.setState({ error: undefined })}>
          Try again
        </button>
        <button type="button" className="button small" onClick={() => location.reload()}>
          Load the page again
        </button>
      </div>
    );
  }
}
