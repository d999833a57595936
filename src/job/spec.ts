/** placeholder */
export interface JobSpec { readonly name: string }
