// Shows the sign-in or the screens, depending on the session.
import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { ActionScreen } from "./action/action-screen";
import { ActionsScreen } from "./actions/actions-screen";
import { Refusal } from "./api/refusal";
import { useSession } from "./api/session";
import { SessionContext } from "./session/session-context";
import { SignIn } from "./session/sign-in";
import { Failed } from "./ui/failed";
import { Loading } from "./ui/loading";
import { Shell } from "./ui/shell";
import { NotHere } from "./ui/not-here";

const NewScreen = lazy(() => import("./new/new-screen"));
const EntitiesScreen = lazy(() => import("./entities/entities-screen"));

export function App() {
  const session = useSession();
  if (session.data) {
    return (
      <SessionContext value={session.data}>
        <Shell>
          <Suspense fallback={<Loading what="Loading" />}>
            <Switch>
              <Route path="/" component={ActionsScreen} />
              <Route path="/new" component={NewScreen} />
              <Route path="/actions/:id">{({ id }) => <ActionScreen key={id} id={id} />}</Route>
              <Route path="/entities/:type?">{({ type }) => <EntitiesScreen type={type} />}</Route>
              <Route component={NotHere} />
            </Switch>
          </Suspense>
        </Shell>
      </SessionContext>
    );
  }
  if (session.error instanceof Refusal && session.error.status === 401) return <SignIn />;
  return (
    <main className="alone">
      {session.error ? <Failed error={session.error} again={() => void session.refetch()} /> : <Loading what="Loading" />}
    </main>
  );
}
